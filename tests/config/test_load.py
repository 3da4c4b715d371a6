"""Everything that can be wrong with a file is said at once, with its place and a remedy."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from potluck.app.reloading import class_limits
from potluck.config.load import check, load
from potluck.config.model import AgentConfig, ClassConfig, Config, Policy
from potluck.config.problems import ConfigErrors, ConfigProblem, Severity
from potluck.config.secret import Secret
from potluck.core.errors import OperatorError
from potluck.core.hedging import HedgeRule
from potluck.core.model import EngineKind, ModelId, NodeId
from potluck.core.scheduling.classes import DEFAULT_LIMITS, Kind, limits_within

NOTHING = MappingProxyType[str, str]({})


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        file = tmp_path / "potluck.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


@pytest.fixture
def problems(write):
    def problems(text: str | bytes, env=NOTHING) -> list[ConfigProblem]:
        return check(write(text), env)

    return problems


@pytest.fixture
def only(problems):
    def only(text: str | bytes, env=NOTHING) -> ConfigProblem:
        found = problems(text, env)
        assert len(found) == 1, [str(each) for each in found]
        return found[0]

    return only


def test_no_file_gives_the_defaults() -> None:
    config = load(None, {})
    assert config == Config()
    assert (config.server.host, config.server.port, config.health.interval_s) == ("127.0.0.1", 8420, 30)
    assert config.limits.max_body_bytes == 64_000_000


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "nodes:\nlocal:\n"])
def test_an_empty_file_and_empty_sections_are_the_defaults(write, text: str) -> None:
    file = write(text)
    assert load(file, {}) == Config(source=file)


def test_every_section_reaches_the_config(write) -> None:
    config = load(
        write("""
nodes:
  agx0: {address: 192.168.1.154, memory: 64GB, engines: [{kind: ollama, slots: 4, models: [a], context: 4096}]}
  far: {engines: [{kind: openai, url: "https://llm.example.org/api/", api_key: sk-1}]}
routes:
  coding: {models: [x, y], weights: {agx0: 80, far: 20}, policy: weighted}
  images: {order: [far, agx0]}
health: {interval: 5m}
server: {host: "::1", port: 0, drain: 1m, origins: ["https://chat.example.org/", "*"], url: "https://potluck.example/"}
access: {session_idle: 1d, secret_key: 0123456789abcdef0123456789abcdef}
limits: {max_body: 1MiB, max_header: 16KiB}
queue: {depth: 3, max_wait: 90}
storage: {database: "sqlite:////srv/p.db"}
local: {slots: 2, models_dir: gguf, idle_unload: 0, threads: 3, context: 512}
"""),
        {},
    )
    agx0, far = config.engines
    assert (agx0.id, agx0.kind, agx0.host, agx0.port, agx0.tls) == (
        "agx0/ollama:11434", EngineKind.OLLAMA, "192.168.1.154", 11434, False,
    )  # fmt: skip
    assert (agx0.slots, agx0.models, agx0.context) == (4, ("a",), 4096)
    assert (far.host, far.port, far.tls, far.base_path) == ("llm.example.org", 443, True, "/api")
    assert far.api_key is not None
    assert far.api_key.reveal() == "sk-1"
    assert config.nodes[NodeId("agx0")].memory_bytes == 64_000_000_000
    coding = config.routes["coding"]
    assert (coding.models, coding.weights, coding.policy) == (
        (ModelId("x"), ModelId("y")), {"agx0": 80, "far": 20}, Policy.WEIGHTED,
    )  # fmt: skip
    assert config.routes["images"].order == ("far", "agx0")
    assert config.health.interval_s == 300
    assert (config.server.host, config.server.port, config.server.drain_s) == ("::1", 0, 60)
    assert config.server.origins == ("https://chat.example.org", "*")
    assert config.server.url == "https://potluck.example"
    assert config.access.session_idle_s == 86_400
    assert config.access.secret_key is not None
    assert config.access.secret_key.reveal() == "0123456789abcdef" * 2
    assert (config.limits.max_body_bytes, config.limits.max_header_bytes) == (2**20, 2**14)
    assert (config.queue.depth, config.queue.max_wait_s) == (3, 90)
    assert config.storage.database is not None
    assert config.storage.database.reveal() == "sqlite:////srv/p.db"
    assert config.source is not None
    assert config.local.models_dir == config.source.parent / "gguf"
    assert (config.local.enabled, config.local.slots, config.local.idle_unload_s) == (True, 2, 0)
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", True),
        ("nodes: {a: {address: h, engines: [{kind: ollama}]}}", False),
        ("nodes: {a: {address: h, engines: [{kind: ollama}]}}\nlocal: true", True),
        ("nodes: {a: {address: h, engines: [{kind: ollama}]}}\nlocal: {slots: 1}", True),
        ("nodes: {a: {address: h, engines: [{kind: comfyui}]}}", True),
        ("local: false", False),
        ("local: {enabled: false, slots: 1}", False),
    ],
)
def test_the_embedded_engine_runs_where_no_other_is_unless_said(write, text: str, wanted: bool) -> None:
    assert load(write(text), {}).local_wanted is wanted


def test_all_problems_are_found_at_once_in_the_order_of_their_lines(write) -> None:
    file = write("""\
nods: {}
nodes:
  a: {address: h, memory: 64 gigs, engines: [{kind: olama}, {port: 3}]}
health: {interval: 5 parsecs}
routes:
  chat: {weights: {b: 1}}
storage: {database: "${NOPE}"}
""")
    with pytest.raises(ConfigErrors) as caught:
        load(file, {})
    assert isinstance(caught.value, OperatorError)
    found = caught.value.problems
    assert [(each.line, each.column) for each in found] == [
        (1, 1), (3, 27), (3, 53), (3, 61), (4, 20), (6, 20), (7, 21),
    ]  # fmt: skip
    assert {each.file for each in found} == {str(file)}
    for each in found:
        assert str(each) in str(caught.value)
        assert each.hint


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("nods: {}", 1, 1, "nods is not a known key", "Did you mean 'nodes'?"),
        ("health: {intervall: 3s}", 1, 10, "health.intervall is not", "'interval'"),
        ("interval: 3s", 1, 1, "interval is not a known key", "It belongs under 'health'."),
        ("local: {server: 1}", 1, 9, "local.server is not", "top of the file"),
        ("storage: {qqq: 1}", 1, 11, "storage.qqq is not", "database, redis, blobs"),
        ("health: {interval: 3 x}", 1, 20, "must be a duration, not '3 x'", "1h30m"),
        ("health: {interval: 0}", 1, 20, "must be at least 0.1, not 0", ""),
        ("limits: {default: {concurrent: 0}}", 1, 32, "must be at least 1", ""),
        ("limits: {default: {priority: king}}", 1, 30, "must be one of", ""),
        ("limits: {roles: {gust: {concurrent: 1}}}", 1, 18, "'gust' is no role", "'guest'"),
        ("limits: {routes: {chat: {concurrent: 1}}}", 1, 19, "no such route", "'routes'"),
        ("limits: {max_body: 3x}", 1, 20, "must be a size", "64GB"),
        ("server: {port: 70000}", 1, 16, "at most 65535, not 70000", ""),
        ("server: {port: true}", 1, 16, "must be a number", ""),
        ("server: [1]", 1, 9, "server must be a mapping", "Indent"),
        ("server: {host: 'http://x'}", 1, 16, "must be a host name", "url"),
        ("server: {origins: ['chat.example.org']}", 1, 20, "must be an origin", "https://"),
        ("server: {origins: ['https://x/path']}", 1, 20, "must be an origin", "https://"),
        ("server: {host: 'x:80'}", 1, 16, "without a port", "key of the engine"),
        ("nodes: {a: {address: h, engines: [{kind: olama}]}}", 1, 42, "'comfyui' or 'a1111', not 'olama'", "'ollama'"),
        ("nodes: {a: {address: h, engines: [{kind: local}]}}", 1, 42, "not 'local'", "local:"),
        ("nodes: {a: {address: h, engines: [{}]}}", 1, 35, "kind is missing", "ollama"),
        ("nodes: {a: {address: h, engines: {kind: ollama}}}", 1, 34, "must be a list", "- "),
        ("nodes: {a: {engines: [{kind: ollama}]}}", 1, 23, "Nothing says where nodes.a.engines[0] is", "address"),
        ("nodes: {a/b: {address: h, engines: [{kind: ollama}]}}", 1, 9, "'a/b' cannot be a node's name", "letters"),
        ("nodes: {a: {engines: [{kind: ollama, url: 'ftp://x'}]}}", 1, 43, "must be a URL of http or https", "http://"),
        ("nodes: {a: {engines: [{kind: ollama, url: 'http://x', port: 3}]}}", 1, 38, "url, and port or tls", "leave"),
        ("nodes: {a: {address: h, engines: [{kind: ollama, models: [3]}]}}", 1, 59, "must be text, not 3", "quotes"),
        ("routes: {r: {policy: best}}", 1, 22, "'learned' or 'weighted'", ""),
        ("routes: {r: {hedge: often}}", 1, 21, "must be true, false or a mapping", ""),
        ("routes: {r: {hedge: {after: p200}}}", 1, 29, "p50 to p99, or a duration", "p95"),
        ("routes: {r: {hedge: {after: 1ms}}}", 1, 29, "of 100ms at least", "2s"),
        ("routes: {r: {hedge: {share: 0.9}}}", 1, 29, "routes.r.hedge.share", ""),
        ("routes: {r: {policy: weighted}}", 1, 22, "has no weights", "weights"),
        ("routes: {r: {order: [zz]}}", 1, 22, "names the node 'zz'", "No nodes are configured."),
        ("local: perhaps", 1, 8, "must be true, false or a mapping", ""),
        ("discovery: {scan: [8.8.8.0/24]}", 1, 20, "discovery.scan[0]: 8.8.8.0/24 is not private", "of at most a /20"),
        ("discovery: {scan: [10.0.0.0/8]}", 1, 20, "16777216 addresses", "of at most a /20"),
        ("discovery: {agent_key: 'a b'}", 1, 24, "printable ASCII", ""),
        ("discovery: {scan: [home]}", 1, 20, "network in CIDR form", "192.168.1.0/24"),
        ("- a", 1, 1, "must hold keys and values", "nodes:"),
        ("nodes: {a: [", 1, 13, "This is not YAML", ""),
        ("a: b: c", 1, 5, "mapping values are not allowed", "quotes"),
        ("nodes:\n\ta: 1", 2, 1, "This is not YAML", "tabs"),
        ("health: !x {}\nserver: !!python/name:os.system ''", 2, 9, "tag", ""),
        ("? [a]\n: 1", 1, 3, "A key must be one word", ""),
        ("server: &s {host: *s}", 1, 9, "must not hold itself", ""),
        ("a\x01b: 1", 1, 1, "a character that YAML forbids", ""),
        (b"# fine\nserver: {host: \xff}", 2, 1, "not UTF-8", "UTF-8"),
    ],
)  # fmt: skip
def test_a_problem_has_a_place_and_a_remedy(problems, text, line, column, message, hint) -> None:
    errors = [each for each in problems(text) if each.severity is Severity.ERROR]
    match = next((each for each in errors if message in each.message), None)
    assert match is not None, [str(each) for each in errors]
    assert (match.line, match.column) == (line, column)
    assert hint in match.hint


@pytest.mark.parametrize(
    ("hedge", "rule"),
    [
        ("true", HedgeRule(None, 0.95, 0.05)),
        ("{}", HedgeRule(None, 0.95, 0.05)),
        ("false", None),
        ("{after: p90, share: 0.1}", HedgeRule(None, 0.9, 0.1)),
        ("{after: 1500ms}", HedgeRule(1.5, 0.95, 0.05)),
        ("{after: 2}", HedgeRule(2.0, 0.95, 0.05)),
    ],
)
def test_a_route_says_when_a_second_engine_is_asked(write, hedge: str, rule: HedgeRule | None) -> None:
    assert load(write(f"routes: {{r: {{hedge: {hedge}}}}}"), {}).routes["r"].hedge == rule


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    (problem,) = check(tmp_path / "no.yaml", {})
    assert (problem.line, problem.message) == (0, "The config file cannot be read: No such file or directory.")
    assert "--config" in problem.hint


def test_keys_that_stand_twice_are_told_with_both_lines(only) -> None:
    problem = only("server: {port: 1}\nhealth:\n  interval: 3s\n  interval: 4s\n")
    assert problem.message == "health.interval stands twice: in lines 3 and 4."
    assert (problem.line, problem.column) == (4, 3)


def test_nodes_that_stand_twice_are_told_with_both_lines(only) -> None:
    node = "{address: %s, engines: [{kind: ollama}]}"
    problem = only(f"nodes:\n  a: {node % 'h'}\n  b: {node % 'i'}\n  a: {node % 'j'}\n")
    assert problem.message == "nodes.a stands twice: in lines 2 and 4."


@pytest.mark.parametrize(
    "second", ["a: {address: h, engines: [{kind: ollama}, {kind: llamacpp, port: 11434}]}",
               "a: {address: h, engines: [{kind: ollama}]}\n  b: {engines: [{kind: openai, url: 'http://h:11434'}]}"],
)  # fmt: skip
def test_two_engines_on_one_port_are_told_with_both_lines(only, second: str) -> None:
    problem = only(f"nodes:\n  {second}\n")
    assert "both listen on port 11434 (lines 2 and" in problem.message


def test_comfyuis_clients_have_a_port_of_their_own(only, write) -> None:
    assert "is the service's own" in only("images: {comfyui_port: 8420}\n").message
    assert load(write("images: {comfyui_port: 8188}"), {}).images.comfyui_port == 8188


def test_one_server_with_two_paths_is_two_engines(write) -> None:
    one = "{engines: [{kind: openai, url: 'http://h/one'}, {kind: openai, url: 'http://h/two'}]}"
    assert [each.id for each in load(write(f"nodes: {{a: {one}}}"), {}).engines] == [
        "a/openai:80/one",
        "a/openai:80/two",
    ]


def test_two_engines_of_one_name_are_refused(only) -> None:
    problem = only("nodes: {a: {engines: [{kind: openai, url: 'http://h'}, {kind: openai, url: 'http://i'}]}}")
    assert "have one kind and port on one node (lines 1 and 1)" in problem.message
    assert "node of its own" in problem.hint


def test_two_routes_that_clients_cannot_tell_apart_are_told(only) -> None:
    assert only("routes: {Chat: {models: [a]}, chat: {models: [b]}}").message == (
        "routes.Chat and routes.chat are one name to clients."
    )


def test_an_alias_stands_for_a_name(write) -> None:
    text = "routes: {chat: {models: [m]}}\naliases: {gpt-4o: llama3.2, 'claude:latest': chat, any: auto, x: gpt-4o}"
    assert load(write(text), {}).aliases == {
        "gpt-4o": "llama3.2",
        "claude:latest": "chat",
        "any": "auto",
        "x": "gpt-4o",
    }


VLLM = "nodes: {a: {address: h, engines: [{kind: openai, models: [m, n]}]}}\n"


@pytest.mark.parametrize(
    ("text", "line", "severity", "message", "hint"),
    [
        ("aliases: {a: b, b: c, c: a, d: c}", 1, Severity.ERROR, "aliases.a leads back to itself.", "a model, a route"),
        ("aliases: {A: 'a:latest'}", 1, Severity.ERROR, "aliases.A leads back to itself.", "'auto'"),
        ("aliases: {'': m}", 1, Severity.ERROR, "An alias needs a name.", "NAME: MODEL"),
        ("aliases: {a: ''}", 1, Severity.ERROR, "aliases.a must not be empty", ""),
        ("aliases: {a: [b]}", 1, Severity.ERROR, "aliases.a must be text.", ""),
        ("aliases: [a]", 1, Severity.ERROR, "aliases must be a mapping", ""),
        ("routes: {chat: {models: [m]}}\naliases: {Chat: m}", 2, Severity.ERROR,
         "routes.chat and aliases.Chat are one name to clients.", "rename one"),
        ("aliases:\n  a: m\n  'a:latest': n", 3, Severity.ERROR, "are one name to clients.", "rename one"),
        (VLLM + "aliases: {a: mm}", 2, Severity.WARNING, "no engine lists such a model", "Did you mean 'm'?"),
        (VLLM + "aliases: {b: a, a: nobody}", 2, Severity.WARNING, "aliases.b stands for 'a', but no engine", ""),
        (VLLM + "aliases: {m: n}", 2, Severity.WARNING, "aliases.m is a model's own name", "Rename"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_alias_is_told_with_its_line(problems, text, line, severity, message, hint) -> None:
    found = problems(text)
    match = next((each for each in found if message in each.message), None)
    assert match is not None, [str(each) for each in found]
    assert (match.line, match.severity) == (line, severity)
    assert hint in match.hint


@pytest.mark.parametrize(
    "text",
    [
        "aliases: {a: nobody-knows-yet}",
        "nodes: {a: {address: h, engines: [{kind: ollama}]}}\naliases: {a: pulled-later}",
        VLLM + "local: true\naliases: {a: embedded}",
        VLLM + "local: {slots: 1}\naliases: {a: embedded}",
        VLLM + "local: false\nroutes: {r: {models: [m]}}\naliases: {a: m, b: R, c: auto, d: a, e: 'M:latest'}",
    ],
)
def test_an_alias_of_what_may_be_there_is_fine(problems, text: str) -> None:
    assert problems(text) == []


def test_aliases_are_so_many_that_listings_stay_short(problems) -> None:
    (problem,) = problems("aliases:\n" + "".join(f"  a{number}: m\n" for number in range(501)))
    assert "at most 500" in problem.message


def test_a_database_of_an_unknown_kind_is_told_without_its_password(only) -> None:
    problem = only("storage: {database: 'mysql://SECRET@h/db'}")
    assert "must begin with sqlite: or postgresql:" in problem.message
    assert "SECRET" not in str(problem)


@pytest.mark.parametrize("url", ["postgresql://u:SECRET@h:5432/db", "sqlite:////var/lib/potluck.db"])
def test_a_database_may_be_a_file_or_a_server(problems, url: str) -> None:
    assert problems(f"storage: {{database: '{url}'}}") == []


@pytest.mark.parametrize("url", ["https://bucket", "s3://", "s3:bucket", "s3://KEY:SECRET@", "nonsense"])
def test_files_go_into_a_bucket_of_s3(only, url: str) -> None:
    problem = only(f"storage: {{blobs: '{url}'}}")
    assert "must begin with s3:" in problem.message
    assert "SECRET" not in problem.message


@pytest.mark.parametrize("url", ["s3://bucket", "s3://KEY:a/b+c@bucket/prefix?endpoint=http://h:1"])
def test_a_bucket_may_have_a_key_and_a_secret(problems, url: str) -> None:
    assert problems(f"storage: {{blobs: '{url}'}}") == []


def test_quotas_are_sizes_or_none(problems, tmp_path: Path) -> None:
    assert problems("files: {max_size: 1GB, quota: {owner: none, member: 5GB, users: {anna: 50GB}}}") == []
    assert len(problems("files: {quota: {member: much}}")) == 1


def test_replicas_follow_a_postgresql_that_is_named(only, problems) -> None:
    database = "database: 'postgresql://h/p'"
    assert problems(f"storage: {{{database}, replicas: ['postgresql://h2/p']}}") == []
    assert "not named" in only("storage: {replicas: ['postgresql://:SECRET@h2/p']}").message
    assert "must begin with postgresql:" in only(f"storage: {{{database}, replicas: ['sqlite:///x']}}").message


def test_a_redis_is_no_other_server(only, problems) -> None:
    problem = only("storage: {redis: 'http://:SECRET@h/0'}")
    assert "must begin with redis:" in problem.message
    assert "SECRET" not in str(problem)
    for url in ("redis://:SECRET@h:6379/1", "rediss://h", "unix:///run/redis.sock"):
        assert problems(f"storage: {{redis: '{url}'}}") == []


def test_a_route_has_weights_or_an_order(only) -> None:
    nodes = "nodes: {a: {address: h, engines: [{kind: ollama}]}}\n"
    assert "has weights and an order" in only(nodes + "routes: {r: {weights: {a: 1}, order: [a]}}").message
    assert "names a twice" in only(nodes + "routes: {r: {order: [a, a]}}").message
    assert "are all 0" in only(nodes + "routes: {r: {weights: {a: 0}}}").message
    assert only(nodes + "routes: {r: {weights: {A: 1}}}").hint == "Did you mean 'a'?"


def test_engines_that_draw_stand_among_the_others(write) -> None:
    text = """
nodes: {a: {address: h, engines: [{kind: ollama}, {kind: comfyui}, {kind: a1111, api_key: "me:secret"}]}}
images: {order: [a], memory: text, workflows: {mine: graphs/mine.json}, styles: {film: {prompt: "{prompt}, film"}}}
"""
    config = load(write(text), {})
    assert [(each.kind, each.port) for each in config.engines] == [
        (EngineKind.OLLAMA, 11434),
        (EngineKind.COMFYUI, 8188),
        (EngineKind.A1111, 7860),
    ]
    assert config.images.order == ("a",)
    assert config.images.workflows["mine"].name == "mine.json"
    assert config.images.styles["film"].prompt == "{prompt}, film"


def test_a_node_without_engines_is_a_warning(only) -> None:
    assert only("nodes: {a: {address: h}}").severity is Severity.WARNING


def test_names_are_taken_as_they_are_written(write) -> None:
    node = "{address: h%d, engines: [{kind: ollama}]}"
    config = load(write(f"nodes:\n  no: {node % 1}\n  1: {node % 2}\n  2024-01-01: {node % 3}\n"), {})
    assert list(config.nodes) == ["no", "1", "2024-01-01"]


def test_aliases_and_merges_work_and_what_stands_itself_wins(write) -> None:
    config = load(write("""
nodes:
  a: &a {address: h, memory: 1GB, engines: [{kind: ollama}]}
  b: {<<: *a, address: i}
"""), {})  # fmt: skip
    assert config.nodes[NodeId("b")].address == "i"
    assert config.nodes[NodeId("b")].memory_bytes == 10**9


def test_values_come_from_the_environment_that_is_handed_in(write) -> None:
    file = write("server: {port: '${PORT}', host: $${x}}\nstorage: {database: 'sqlite:///${DIR}/${DIR}.db'}")
    found = check(file, {"PORT": "99", "DIR": "d"})
    assert len(found) == 1
    assert "not '${x}'" not in found[0].message, "a value that stood elsewhere is not shown"
    text = "server: {port: '${PORT}'}\nstorage: {database: 'sqlite:///${DIR}/$${DIR}.db'}"
    config = load(write(text), {"PORT": "99", "DIR": "d"})
    assert config.server.port == 99
    assert config.storage.database is not None
    assert config.storage.database.reveal() == "sqlite:///d/${DIR}.db"


def test_a_missing_variable_is_named_once(only) -> None:
    problem = only("server: {port: '${NOPE}'}")
    assert problem.message == "server.port: The environment variable NOPE is not set."
    assert "Set NOPE" in problem.hint


def test_a_malformed_reference_is_told(only) -> None:
    assert "'${A-B}' does not name" in only("storage: {database: '${A-B}'}").message


def test_values_come_from_files_beside_the_config(write, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-2\n")
    text = "nodes: {a: {address: h, engines: [{kind: openai, api_key: 'file:%s'}]}}"
    for path in ("key", str(tmp_path / "key"), "${WHERE}", "~/key"):
        config = load(write(text % path), {"WHERE": "key", "HOME": str(tmp_path)})
        assert config.engines[0].api_key is not None
        assert config.engines[0].api_key.reveal() == "sk-2"


def test_a_file_that_cannot_be_read_is_told(only, tmp_path: Path) -> None:
    assert "No such file" in only("storage: {database: 'file:nope'}").message
    (tmp_path / "empty").write_text("\n")
    assert "is empty" in only("storage: {database: 'file:empty'}").message
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert "is not text" in only("storage: {database: 'file:binary'}").message


SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"nodes: {{a: {{address: h, engines: [{{kind: openai, api_key: '{SECRET} x'}}]}}}}",
        f"nodes: {{a: {{address: h, engines: [{{kind: openai, api_key: [{SECRET}]}}]}}}}",
        f"nodes: {{a: {{engines: [{{kind: openai, url: 'http://me:{SECRET}@h'}}]}}}}",
        f"storage: {{database: [{SECRET}]}}",
        "storage: {database: 22222222}",
        "server: {port: '${S}'}",
        "health: {interval: 'x${S}'}",
        "routes: {r: {policy: 'file:s'}}",
    ],
)
def test_no_problem_shows_a_secret(problems, tmp_path: Path, text: str) -> None:
    (tmp_path / "s").write_text(SECRET)
    found = problems(text, {"S": SECRET})
    assert found
    assert not any(SECRET in repr(each) or "22222222" in repr(each) for each in found)


def test_no_config_shows_a_secret(write) -> None:
    engines = f"{{kind: openai, api_key: {SECRET}}}, {{kind: a1111, api_key: {SECRET}}}"
    text = f"nodes: {{a: {{address: h, engines: [{engines}]}}}}"
    config = load(write(f"{text}\nstorage: {{database: 'sqlite:///{SECRET}'}}"), {})
    assert SECRET not in repr(config)
    assert SECRET not in f"{config.storage.database}{config.engines[0].api_key}"


def test_deep_nesting_is_a_problem_and_no_crash(only) -> None:
    assert "nested too deeply" in only("a: " + "[" * 5000).message


@pytest.mark.parametrize(
    ("written", "agent"),
    [
        ("true", AgentConfig("192.168.1.154")),
        ("{}", AgentConfig("192.168.1.154")),
        ("false", None),
        ('{port: 9000, api_key: "${KEY}"}', AgentConfig("192.168.1.154", 9000, Secret("0123456789abcdef"))),
    ],
)
def test_an_agent_is_said_in_a_word_or_in_keys(write, written: str, agent: AgentConfig | None) -> None:
    text = f"nodes: {{agx0: {{address: 192.168.1.154, memory: 64GB, agent: {written}, engines: [{{kind: ollama}}]}}}}"
    node = load(write(text), {"KEY": "0123456789abcdef"}).nodes[NodeId("agx0")]
    assert (node.agent, node.memory_bytes) == (agent, 64_000_000_000)


@pytest.mark.parametrize(
    ("node", "message", "hint"),
    [
        (
            "{agent: true, engines: [{kind: ollama, url: 'http://x:1'}]}",
            "Nothing says where nodes.a.agent is",
            "address",
        ),
        ("{address: x, agent: 8421}", "nodes.a.agent must be true, false or a mapping of keys", ""),
        ("{address: x, agent: {prot: 1}}", "nodes.a.agent.prot is not a known key", "port"),
        ("{address: x, agent: {port: 0}}", "nodes.a.agent.port must be at least 1", ""),
    ],
)
def test_an_agent_that_cannot_be_asked_is_a_mistake(only, node: str, message: str, hint: str) -> None:
    problem = only(f"nodes: {{a: {node}}}")
    assert message in problem.message
    assert hint in problem.hint


def test_a_node_with_an_agent_alone_is_no_mistake(problems) -> None:
    assert problems("nodes: {a: {address: x, agent: true}}") == []


def test_a_class_takes_what_is_said_of_it_and_keeps_the_rest(write) -> None:
    text = """
queue: {max_wait: 1m}
classes:
  batch: {running: 2, waiting: 9, max_wait: 2h, priority: 3}
  big-chat: {first: 9s, finish: 2m}
"""
    config = load(write(text), {})
    assert config.classes[Kind.BATCH] == ClassConfig(priority=3, max_wait_s=7200, waiting=9, running=2)
    limits = class_limits(config)
    assert limits[Kind.BATCH] == replace(
        DEFAULT_LIMITS[Kind.BATCH], priority=3, longest_wait_s=7200, most_waiting=9, most_running=2
    )
    assert (limits[Kind.BIG_CHAT].first_s, limits[Kind.BIG_CHAT].finish_s) == (9, 120)
    assert limits[Kind.BIG_CHAT].gives_up_s == limits[Kind.CHAT].gives_up_s == 60
    assert limits[Kind.COMPLETION] == limits_within(60)[Kind.COMPLETION]
    assert class_limits(Config()) == limits_within(300)


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("classes: {bacth: {running: 1}}", 11, "'bacth' is no class of calls.", "Did you mean 'batch'?"),
        ("classes: {xyz: {}}", 11, "'xyz' is no class of calls.", "The classes are completion, chat,"),
        ("classes: {batch: {running: 0}}", 28, "classes.batch.running must be at least 1", ""),
        ("classes: {batch: {max_running: 1}}", 19, "max_running is not a known key", "'running'"),
        ("classes: {batch: {first: 0s}}", 26, "must be at least 0.05", ""),
        ("classes: {batch: {priority: high}}", 29, "classes.batch.priority must be a number", ""),
    ],
)
def test_what_is_wrong_with_a_class_is_told(only, text: str, column: int, message: str, hint: str) -> None:
    problem = only(text)
    assert message in problem.message
    assert hint in problem.hint
    assert problem.column == column
