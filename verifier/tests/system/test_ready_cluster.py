"""Proves that throwaway servers begin as copies of a cluster that an earlier run kept, that one which could be
wrong is made anew, and that nothing about it can make a run fail."""

import subprocess

import pytest

from running import CANNOT_VERIFY, NOBODY, PASSED, needs_root

COPIED = "a copy of the ready cluster that is kept"
SCENARIO = "tables:\n  users:\n    - row_count = 25\n"


@pytest.fixture
def cached(place, good):
    """A place with a backup and a cache of its own."""
    place.put(good.gz)
    place.cache = place.directory / "cache"
    place.environment["XDG_CACHE_HOME"] = str(place.cache)
    place.cache.mkdir()
    return place


def origin(place, *options, **more):
    run = place.verify("--verbose", *options, place.scenario(SCENARIO), **more)
    assert run.code == PASSED, str(run)
    said = run.report().properties["server.origin"]
    assert said[:60] in " ".join(run.err.split()), run.err
    return said


def kept(place):
    return sorted(path.name for path in place.cache.glob("restore-verifier/*"))


def test_the_first_run_makes_it_and_others_use_it(cached):
    assert "and kept for later runs" in origin(cached)
    assert origin(cached) == COPIED
    assert origin(cached, "--no-cache") == "made by initdb, as asked for"
    [name] = kept(cached)
    path = cached.cache / "restore-verifier" / name
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    run = cached.run("clean", "--cache")
    assert run.code == PASSED and "removed 1 ready cluster" in run.err and list(cached.cache.iterdir()) == [], str(run)
    run = cached.run("clean", "--cache")
    assert run.code == PASSED and "removed 0 ready clusters" in run.err, str(run)


def test_programs_behind_links_have_the_same(cached):
    origin(cached)
    assert origin(cached, environment=cached.stand_in()) == COPIED and len(kept(cached)) == 1


def test_a_damaged_one_is_made_anew(cached):
    origin(cached)
    [name] = kept(cached)
    path = cached.cache / "restore-verifier" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert f"{name}: it is damaged), and kept for later runs" in origin(cached)
    assert origin(cached) == COPIED


@pytest.mark.slow
def test_many_at_once_from_nothing(cached):
    scenarios = [cached.scenario(SCENARIO, name=f"n{number}") for number in range(6)]
    run = cached.verify("--jobs", "6", *scenarios)
    assert run.code == PASSED, str(run)
    assert any("made by initdb" in report.properties["server.origin"] for report in run.reports())
    assert len(kept(cached)) == 1 and origin(cached) == COPIED


@pytest.mark.often("None")
@pytest.mark.parametrize("home, words", [
    (None, "HOME is not set"), ("/nonexistent", "the home directory /nonexistent is not ours"), ("/proc", "not kept")])
def test_without_a_place_to_keep_it(cached, home, words):
    environment = {"XDG_CACHE_HOME": "", "HOME": home or ""}
    said = origin(cached, environment=environment)
    assert "made by initdb" in said and words in said


def test_one_on_which_the_server_does_not_start_is_made_anew(cached):
    """Whatever is wrong with it: the next try is on one of initdb's, which is kept in its place."""
    cached.directory.chmod(0o777)
    script = 'if [[ $1 == -D ]] && rmdir "$place/fault" 2>/dev/null; then echo "FATAL: no such thing" >&2; exit 1; fi\nexec "$real/postgres" "$@"'
    environment = cached.stand_in(postgres=script)
    assert "and kept for later runs" in origin(cached, environment=environment)
    (cached.directory / "fault").mkdir()
    said = origin(cached, environment=environment)
    assert said == "made by initdb (a ready cluster: a server did not start on it), and kept for later runs"
    assert origin(cached, environment=environment) == COPIED


@needs_root
def test_a_full_cache(cached):
    """Keeping it fails, and the run does not."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", cached.cache], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        assert "and not kept: tar exited with code" in origin(cached)
        assert kept(cached) == []
    finally:
        subprocess.run(["umount", cached.cache], check=True)


@needs_root
def test_another_users_is_not_used(cached):
    origin(cached)
    planted = cached.cache / "restore-verifier"
    subprocess.run(["chown", "-R", str(NOBODY), planted], check=True)
    said = origin(cached)
    assert "another user's" in said and "not kept" in said
    run = cached.run("clean", "--cache")
    assert run.code == CANNOT_VERIFY and "cannot be removed" in run.err and kept(cached), str(run)


@needs_root
def test_a_user_who_is_not_root(cached):
    cached.give_to(NOBODY)
    assert "and kept for later runs" in origin(cached)
    assert origin(cached) == COPIED


def test_clean_takes_no_arguments(cached):
    run = cached.run("clean", "x.yaml")
    assert run.code == CANNOT_VERIFY and "takes no arguments" in run.err
