"""Proves that a good backup is green, in every format that pg_dump writes, and what the report of a
green run says."""

import pytest


def test_a_good_backup_passes(place, good):
    place.put(good.gz)
    run = place.verify(place.scenario("tables:\n  users:\n    - row_count >= 1\n"))
    assert run.code == 0, str(run)
    print(run.report().text)
    assert set(run.report().verdicts().values()) == {"pass"}
