#include <libwebsockets.h>

// The room that libwebsockets needs before each payload: a macro that Swift does not import.
static const size_t lws_payload_offset = LWS_PRE;
