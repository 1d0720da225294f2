"""What trials of the failover lab come to: lines for a terminal, a table for a page."""

import collections
import statistics

# Seconds from the end of a fault until all work is shared again, evenly: ARCHITECTURE.md promises it.
WHOLE = 2.5
# Milliseconds without an owner that a death may cost: the median of trials, and the worst. Other faults: WHOLE.
OUTAGE = {'normal': (200, 200), 'fast': (40, 100)}
# Seconds at the begin that count for nothing: hosts and members ask for each other's addresses.
WARM = 0.5


def judge(csv, flows, rate, total):
    """What became of the probes, flow by flow."""
    came, swapped, newest = collections.Counter(), 0, [0] * flows
    begin = int(rate * WARM)
    for _, sequence in arrivals(csv):
        if sequence < begin:
            continue
        came[sequence] += 1
        swapped += sequence < newest[sequence % flows]
        newest[sequence % flows] = max(sequence, newest[sequence % flows])
    lost, longest, run = [0] * flows, [0] * flows, [0] * flows
    for sequence in range(begin, total):
        flow = sequence % flows
        if came[sequence]:
            run[flow] = 0
        else:
            lost[flow] += 1
            run[flow] += 1
            longest[flow] = max(longest[flow], run[flow])
    # Three probes of a flow in a row, or more, belong to an outage; fewer are anybody's, and are told apart.
    hit = [flow for flow in range(flows) if longest[flow] > 2]
    return {
        'outage': max((longest[flow] * flows * 1000 / rate for flow in hit), default=0.0), 'hit': len(hit),
        'others': sum(lost[flow] for flow in range(flows) if flow not in hit), 'lost': sum(lost),
        'twice': sum(count - 1 for count in came.values()), 'reordered': swapped,
    }


def arrivals(csv):
    """When each came, and its number, in the order in which they came."""
    rows = []
    with open(csv) as file:
        for line in file:
            parts = line.strip().split(',')
            if len(parts) == 4 and all(part.isdigit() for part in parts):
                rows.append((int(parts[3]), int(parts[0])))
    return sorted(rows)


def line(name, fault, good, repeated):
    """None where there is no trial that counts."""
    if not good:
        return {'fault': name, 'trials': 0, 'repeated': repeated}
    outages = [found['outage'] for found in good]
    # Somebody else's cluster does not say.
    wholes = [found.get('whole', 0) for found in good]
    return {
        'fault': name, 'isLoss': fault.isLoss, 'trials': len(good), 'repeated': repeated,
        'median': statistics.median(outages), 'worst': max(outages), 'others': sum(found['others'] for found in good),
        'twice': sum(found['twice'] for found in good), 'reordered': sum(found['reordered'] for found in good),
        'lost': [found['lost'] for found in good], 'wire': sum(found.get('wire', 0) for found in good),
        'contested': max(found.get('contested', 0) for found in good),
        'whole': None if None in wholes else max(wholes), 'outages': outages, 'isWatched': 'whole' in good[0],
        'words': sorted({word for found in good for word in found.get('words', [])}),
    }


HEAD = ('fault', 'median', 'worst', 'others', 'lost', 'twice', 'reordered', 'owners', 'whole', 'trials')


def head(choices, who):
    loss = ''
    if choices.loss:
        loss = f', {choices.loss:g} % of {"control" if choices.loss_of == "control" else "all"} frames lost'
    return (f'{who}, {choices.rate} probes a second in {choices.flows} flows{loss}'
            f'{", all cores busy" if choices.busy else ""}\n' + columns(HEAD))


def columns(cells):
    return (f'{cells[0]:32}  {cells[1]:>6}  {cells[2]:>6}  {cells[3]:>6}  {cells[4]:>6}  {cells[5]:>5}  {cells[6]:>9}  '
            f'{cells[7]:>6}  {cells[8]:>5}  {cells[9]}')


def cells(found):
    whole = 'never' if found['whole'] is None else f'{found["whole"]:.1f}' if found['isWatched'] else '-'
    return [found['fault'], f'{found["median"]:.0f}', f'{found["worst"]:.0f}', str(found['others']),
            str(sum(found['lost']) - found['wire']), str(found['twice']), str(found['reordered']),
            str(found['contested']) if found['isWatched'] else '-', whole, f'{found["trials"]} + {found["repeated"]}']


def text(found):
    if 'why' in found:
        return f'{found["fault"]:32}  not measured: {found["why"]}'
    if not found['trials']:
        return f'{found["fault"]:32}  no trial without a stall of this machine, {found["repeated"]} repeated'
    return '\n'.join([columns(cells(found)), *(f'  {word}' for word in found['words'])])


EXPLAINED = '''
median, worst: the longest that a flow of the one that was hit was away, in ms. others: probes of all other flows that
were lost. lost: all probes that the wires did not lose. reordered: behind a later one of their flow. owners: the most sets that two members worked on at one moment.
whole: the longest from the end of the fault until all work was shared evenly, in s. trials: those that count, and those
that were repeated because this machine stood still for half a detection time itself. The first half second of each, in
which hosts and members ask for each other's addresses, counts for nothing.'''


def foot(lines, pace, loss):
    """What has to hold and did not, a sentence each; and whether there is any."""
    words = []
    for found in lines:
        if not found['trials']:
            continue
        name, (median, worst) = found['fault'], OUTAGE[pace]
        words += [f'{name}: {word}' for word in found['words']]
        if found['twice']:
            words.append(f'{name}: {found["twice"]} probes came twice')
        if found['contested']:
            words.append(f'{name}: {found["contested"]} sets had two owners at once')
        if found['whole'] is None or found['whole'] > WHOLE:
            words.append(f'{name}: not whole within {WHOLE} s')
        if not found['isLoss'] and not loss and any(found['lost']):
            words.append(f'{name}: {sum(found["lost"])} probes were lost, and none may be')
        if not name.startswith(('crash', 'SIGKILL')):
            median = worst = WHOLE * 1000
        if not loss and (found['median'] > median or found['worst'] > worst):
            words.append(f'{name}: away for {found["median"]:.0f} ms, at worst {found["worst"]:.0f}; '
                         f'promised are {median} and {worst}')
    return EXPLAINED.strip() + '\n' + '\n'.join(words or ['All that is promised was kept.']), bool(words)


def table(lines, choices, seconds):
    """For a page."""
    rows = ['', f'| {choices.peer or choices.pace + " pace, " + choices.traffic} | median, ms | worst | others lost | '
            'lost | twice | two owners | whole, s | trials + repeated |', '|' + '---|' * 9]
    for found in lines:
        # Shares are no faults.
        if not found.get('trials') or 'median' not in found:
            continue
        every = cells(found)
        rows.append('| ' + ' | '.join(every[:6] + every[7:]) + ' |')
    trials, repeated = (sum(found.get(key, 0) for found in lines) for key in ('trials', 'repeated'))
    rows.append('')
    rows.append(f'{trials} trials that count, {repeated} repeated for a stall of this machine, '
                f'{seconds / 60:.0f} minutes.')
    rows += [f'Not measured: {found["fault"]}, for {found["why"]}.' for found in lines if 'why' in found]
    return '\n'.join(rows)
