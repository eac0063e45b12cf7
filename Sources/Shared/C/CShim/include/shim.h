// What Swift cannot import from C by itself: variadic calls and macros. Nothing else belongs here.
#pragma once
