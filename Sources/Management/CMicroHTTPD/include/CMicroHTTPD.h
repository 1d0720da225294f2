// What we need of libmicrohttpd: one page, read only, on a thread of its own.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct hauberk_pages;

/// Makes the page anew each time somebody asks. What it returns is freed with free(); NULL is an error 500.
typedef char *(*hauberk_page)(void *context, size_t *length);

/// Serves `page` at /metrics of a numeric IPv4 or IPv6 address. Port 0 takes a free one. NULL, with errno.
struct hauberk_pages *hauberk_pages_start(const char *address, uint16_t port, hauberk_page page, void *context);
uint16_t hauberk_pages_port(const struct hauberk_pages *pages);
/// Nobody calls `page` afterwards.
void hauberk_pages_stop(struct hauberk_pages *pages);
