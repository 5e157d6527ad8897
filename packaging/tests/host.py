"""The same in Python: host.py DIRECTORY ROOT_ID."""

import sys

import sogov

directory, root_id = sys.argv[1:]
with sogov.Engine(f"{directory}/trust", root_key_ids=[root_id]) as engine:
    try:
        engine.load_versioned("crash", "v1", f"{directory}/crash-v1.so")
    except sogov.PreflightFailedError:
        pass
    else:
        sys.exit("WRONG: the preflight sees the crash")
    engine.load_versioned("fee", "v1", f"{directory}/fee-v1.so")
    engine.promote("fee", "v1")
    answer = engine.service("fee").call(b"amount=1234.56 currency=CNY")
    print(f"{answer.version}: {answer.data.decode()}")
