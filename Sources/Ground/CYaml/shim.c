#include "CYaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct hauberk_yaml_parser {
  yaml_parser_t parser;
  yaml_event_t current;  // The caller's pointers lead into it.
  uint8_t bytes[];
};

hauberk_yaml_parser *hauberk_yaml_open(const void *bytes, size_t length) {
  if (length > SIZE_MAX - sizeof(hauberk_yaml_parser)) return NULL;
  hauberk_yaml_parser *self = calloc(1, sizeof *self + length);
  if (self == NULL) return NULL;
  if (!yaml_parser_initialize(&self->parser)) {
    free(self);
    return NULL;
  }
  if (length > 0) memcpy(self->bytes, bytes, length);
  yaml_parser_set_input_string(&self->parser, self->bytes, length);
  return self;
}

void hauberk_yaml_close(hauberk_yaml_parser *self) {
  yaml_event_delete(&self->current);
  yaml_parser_delete(&self->parser);
  free(self);
}

static void describe_failure(const yaml_parser_t *parser, hauberk_yaml_event *event) {
  event->kind = HAUBERK_YAML_FAILED;
  event->line = parser->problem_mark.line;
  event->column = parser->problem_mark.column;
  event->problem = parser->problem != NULL ? parser->problem : "out of memory";
  event->context = parser->context;
  event->context_line = parser->context_mark.line;
  event->has_offset = parser->error == YAML_READER_ERROR;
  event->offset = parser->problem_offset;
}

static hauberk_yaml_kind kind_of(yaml_event_type_t type) {
  switch (type) {
    case YAML_STREAM_START_EVENT: return HAUBERK_YAML_STREAM_START;
    case YAML_DOCUMENT_START_EVENT: return HAUBERK_YAML_DOCUMENT_START;
    case YAML_DOCUMENT_END_EVENT: return HAUBERK_YAML_DOCUMENT_END;
    case YAML_ALIAS_EVENT: return HAUBERK_YAML_ALIAS;
    case YAML_SCALAR_EVENT: return HAUBERK_YAML_SCALAR;
    case YAML_SEQUENCE_START_EVENT: return HAUBERK_YAML_SEQUENCE_START;
    case YAML_SEQUENCE_END_EVENT: return HAUBERK_YAML_SEQUENCE_END;
    case YAML_MAPPING_START_EVENT: return HAUBERK_YAML_MAPPING_START;
    case YAML_MAPPING_END_EVENT: return HAUBERK_YAML_MAPPING_END;
    // After the stream's end libyaml answers with no event, again and again.
    case YAML_STREAM_END_EVENT:
    case YAML_NO_EVENT: break;
  }
  return HAUBERK_YAML_STREAM_END;
}

static void describe_content(const yaml_event_t *from, hauberk_yaml_event *event) {
  switch (from->type) {
    case YAML_SCALAR_EVENT:
      event->value = from->data.scalar.value;
      event->length = from->data.scalar.length;
      event->has_anchor = from->data.scalar.anchor != NULL;
      event->has_tag = from->data.scalar.tag != NULL;
      event->is_plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
      break;
    case YAML_SEQUENCE_START_EVENT:
      event->has_anchor = from->data.sequence_start.anchor != NULL;
      event->has_tag = from->data.sequence_start.tag != NULL;
      break;
    case YAML_MAPPING_START_EVENT:
      event->has_anchor = from->data.mapping_start.anchor != NULL;
      event->has_tag = from->data.mapping_start.tag != NULL;
      break;
    default: break;
  }
}

void hauberk_yaml_next(hauberk_yaml_parser *self, hauberk_yaml_event *event) {
  memset(event, 0, sizeof *event);
  yaml_event_delete(&self->current);
  if (!yaml_parser_parse(&self->parser, &self->current)) {
    describe_failure(&self->parser, event);
    return;
  }
  event->kind = kind_of(self->current.type);
  event->line = self->current.start_mark.line;
  event->column = self->current.start_mark.column;
  describe_content(&self->current, event);
}
