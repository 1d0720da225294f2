"""Whether a gateway's counters balance, to the packet, and agree with what the other ends of its cables saw.

    received + injected + released + made = sent + lost on the way out + every drop + every other end of a packet's way

Received and sent are the ports'; injected is what control gave to workers. A packet that went up to control has ended
its way (arp, forUs, noNeighbour, or the drop that control is to answer): what comes back down is injected.
"""

# Counters that end no packet's way.
BESIDE = {'injected', 'made', 'released', 'unsent'}
# A second count of packets that were counted under what control was to see them for.
DOUBLE = {'controlBusy'}


def balance(status):
    """What is missing (above 0) or too much, and the parts."""
    drops = {drop['reason']: drop['packets'] for drop in status['drops']}
    counters = {counter['name']: counter['value'] for counter in status['counters']}
    parts = {
        'received': sum(port['received']['packets'] for port in status['ports']),
        'injected': counters.get('injected', 0),
        'released': counters.get('released', 0),
        'made': counters.get('made', 0),
        'sent': -sum(port['sent']['packets'] for port in status['ports']),
        'unsent by ports': -sum(sum(port['sent']['drops'].values()) for port in status['ports']),
        'drops': -sum(number for name, number in drops.items() if name not in DOUBLE),
        'ends': -sum(number for name, number in counters.items() if name not in BESIDE),
    }
    return sum(parts.values()), parts


def words(status):
    difference, parts = balance(status)
    if difference == 0:
        return None
    listing = ', '.join(f'{name} {number}' for name, number in parts.items())
    return f'{difference} packets are unaccounted for: {listing}'


def drop(status, reason):
    return sum(found['packets'] for found in status['drops'] if found['reason'] == reason)


def port(status, side):
    return next(port for port in status['ports'] if port['side'] == side)
