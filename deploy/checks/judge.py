"""What the checks by other people's clients share: a name, a body, PASS or FAIL."""

failures = 0


def check(name, passed, detail=""):
    global failures
    failures += not passed
    print(f"{'PASS' if passed else 'FAIL'} {name}" + (f": {detail}" if detail else ""), flush=True)


def run(name, body):
    """Runs one check; whatever it returns besides None must be true, whatever it raises is a failure."""
    try:
        result = body()
        check(name, result is None or bool(result), "" if result is None or result else f"got {result!r}")
    except Exception as error:  # noqa: BLE001 - every surprise is a finding
        check(name, False, f"{type(error).__name__}: {error}")


def raises(name, expected, body):
    try:
        answer = body()
    except expected as error:
        check(name, True, f"{type(error).__name__}: {str(error)[:100]}")
    except Exception as error:  # noqa: BLE001
        check(name, False, f"{type(error).__name__} instead of {expected.__name__}: {error}")
    else:
        check(name, False, f"accepted: {str(answer)[:100]}")


def refuses_wrong_clocks(exchange, expected):
    """Timestamps outside the venue's window, on either side; `exchange`, a client of ccxt, is of no use afterwards."""
    exchange.options["adjustForTimeDifference"] = False
    for name, offset in (("stale timestamp", -30_000), ("timestamp in the future", 5_000)):
        exchange.nonce = lambda: exchange.milliseconds() + offset
        raises(name, expected, exchange.fetch_balance)


def verdict():
    """Prints the outcome and gives the exit status."""
    print(f"{failures} failed" if failures else "all passed")
    return 1 if failures else 0
