// libyaml's event parser without its unions, which Swift cannot import: one flat event at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hauberk_yaml_kind {
  HAUBERK_YAML_FAILED,  // Not YAML, or no memory. Nothing may be asked of this parser afterwards.
  HAUBERK_YAML_STREAM_START,
  HAUBERK_YAML_STREAM_END,
  HAUBERK_YAML_DOCUMENT_START,
  HAUBERK_YAML_DOCUMENT_END,
  HAUBERK_YAML_ALIAS,
  HAUBERK_YAML_SCALAR,
  HAUBERK_YAML_SEQUENCE_START,
  HAUBERK_YAML_SEQUENCE_END,
  HAUBERK_YAML_MAPPING_START,
  HAUBERK_YAML_MAPPING_END,
} hauberk_yaml_kind;

/// Every pointer in it is good until the next call with the same parser.
typedef struct hauberk_yaml_event {
  hauberk_yaml_kind kind;
  size_t line;                     // from 0
  size_t column;                   // from 0, in characters
  const uint8_t *_Nullable value;  // the scalar's text in UTF-8
  size_t length;
  bool has_anchor;
  bool has_tag;
  bool is_plain;  // a scalar without quotes and without `|` or `>`

  // Of HAUBERK_YAML_FAILED alone.
  const char *_Nullable problem;  // never NULL then
  const char *_Nullable context;  // what was being read, where libyaml knows
  size_t context_line;            // from 0
  bool has_offset;                // not text: `offset` counts bytes, line and column mean nothing
  size_t offset;
} hauberk_yaml_event;

typedef struct hauberk_yaml_parser hauberk_yaml_parser;

/// Takes a copy of the bytes. NULL: no memory.
hauberk_yaml_parser *_Nullable hauberk_yaml_open(const void *_Nullable bytes, size_t length);
void hauberk_yaml_next(hauberk_yaml_parser *_Nonnull parser, hauberk_yaml_event *_Nonnull event);
void hauberk_yaml_close(hauberk_yaml_parser *_Nonnull parser);
