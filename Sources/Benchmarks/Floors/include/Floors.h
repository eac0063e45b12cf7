// The least programs that do what the hot paths do: what those are measured against.
#pragma once

#include "frames.h"
#include "front.h"
#include "kafka.h"
#include "records.h"
#include "stream.h"
