"""config.yaml: what may stand in it, what wins, and what a mistake in it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from mendgraph.assembly import load
from mendgraph.config import DEFAULTS, Config, graph_names, load_config, with_overrides
from mendgraph.errors import ConfigError, UnknownNameError
from mendgraph.testing import Scripted

TIERS = ["emoji", "primary", "lexical", "neighbours", "descriptions", "ensemble"]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No ./mendgraph.yaml of the checkout is read."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_defaults_are_what_the_classes_say() -> None:
    config = load_config()
    assert config.source == DEFAULTS
    written = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    for section in ("model", "lora", "training"):
        spec = getattr(config, section)
        assert spec == type(spec)()
        assert written[section].keys() == type(spec).model_fields.keys()
    assert written["emotion"].keys() == type(config.emotion).model_fields.keys()
    assert list(config.emotion.tiers) == TIERS
    assert config.emotion.policy == "embedded:emotion/policy"


def test_the_configuration_is_frozen() -> None:
    config = load_config()
    with pytest.raises(ValidationError):
        config.emotion.ask = "never"


def test_a_file_needs_only_what_differs(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.yaml", "training: {num_epochs: 9}\nemotion: {ask: never}\n")
    config, default = load_config(path), load_config()
    assert config.source == path
    assert config.training == default.training.model_copy(update={"num_epochs": 9})
    assert config.emotion == default.emotion.model_copy(update={"ask": "never"})


def test_lists_are_replaced_and_not_joined(tmp_path: Path) -> None:
    config = load_config(write(tmp_path / "a.yaml", "lora: {target_modules: [q_lin, v_lin]}"))
    assert config.lora.target_modules == ("q_lin", "v_lin")
    assert config.lora.r == load_config().lora.r


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    assert load_config(write(tmp_path / "a.yaml", text)).emotion == load_config().emotion


def test_null_leaves_a_tier_out_and_new_ones_come_last(tmp_path: Path) -> None:
    text = "emotion: {tiers: {lexical: null, mine: {kind: classifier, model: /models/mine}}}"
    config = load_config(write(tmp_path / "a.yaml", text))
    assert list(config.emotion.tiers) == [name for name in TIERS if name != "lexical"] + ["mine"]
    assert config.emotion.tiers["mine"].arguments == {"model": "/models/mine"}
    without = load_config(None, ["emotion.tiers.ensemble=null"])
    assert list(without.emotion.tiers) == TIERS[:-1]


def test_a_tier_of_another_kind_keeps_nothing_of_the_old_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "emotion: {tiers: {primary: {kind: classifier, model: org/name}}}")
    primary = load_config(path).emotion.tiers["primary"]
    assert (primary.kind, primary.arguments) == ("classifier", {"model": "org/name"})
    sets = ["emotion.tiers.primary.model=org/name", "emotion.tiers.primary.kind=classifier"]
    assert load_config(None, sets).emotion.tiers["primary"] == primary
    merged = load_config(None, ["emotion.tiers.primary.merge=false"]).emotion.tiers["primary"]
    assert merged.arguments == {"path": "embedded:emotion/primary", "merge": False}


def test_overrides_win_over_the_file_and_later_ones_over_earlier(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "training: {num_epochs: 9, seed: 4}")
    config = load_config(
        path, ["training.num_epochs=2", "training.learning_rate=1e-3", "training.num_epochs=3"]
    )
    assert (config.training.num_epochs, config.training.seed) == (3, 4)
    assert config.training.learning_rate == 0.001
    assert load_config(None, ["lora={r: 4, lora_alpha: 8}"]).lora.r == 4
    assert load_config(None, [" emotion.device = cpu"]).emotion.device == "cpu"


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("training.num_epochs", r"--set 'training.num_epochs': expected key.sub=value"),
        ("=3", r"--set '=3': expected key.sub=value"),
        ("lora.target_modules=[q", r"--set 'lora.target_modules=\[q': the value is not YAML"),
        ("training.num_epoch=3", r"training\.num_epoch: Extra inputs are not permitted"),
        ("training.num_epochs.x=3", r"training\.num_epochs: Input should be a valid integer"),
        ("emotion.policy=3", r"emotion\.policy: Input should be a valid string"),
    ],
)
def test_a_bad_override_says_why(override: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_config(None, [override])


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("traning: {seed: 1}", "traning: Extra inputs are not permitted"),
        ("training: {batch_size: 0}", "training.batch_size: Input should be greater than or equal to 1"),
        ("training: {batch_size: many}", "training.batch_size: Input should be a valid integer"),
        ("training: null", "training: Input should be"),
        ("emotion: {device: gpu}", "emotion.device: Input should be 'auto', 'cpu', 'cuda' or 'mps'"),
        ("emotion: {tiers: {mine: {path: x}}}", "emotion.tiers.mine.kind: Field required"),
        ("emotion: {tiers: [lexical]}", "emotion.tiers: Input should be a valid dictionary"),
        ("emotion: null", "emotion: Input should be"),
        ("emotion: {tiers: {3: {kind: lexical}}}", "emotion.tiers.3"),
        ("3: x", "3"),
        ("source: x", "source: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_in_a_file_says_where_and_what(tmp_path: Path, text: str, where: str) -> None:
    path = write(tmp_path / "a.yaml", text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.message.startswith(f"{path}: {where}")
    assert caught.value.hint == f"see {DEFAULTS} for every key"


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "lora: {r: 0}\nemotion: {ask: maybe}")
    with pytest.raises(ConfigError, match=r"lora\.r: .*; emotion\.ask: "):
        load_config(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"emotion: {ask: [", "cannot be read as YAML"),
        (b"\xff\xfe\x00", "cannot be read as YAML"),
        (b"- a\n- list\n", "expected a mapping of keys, got list"),
        (b"just text", "expected a mapping of keys, got str"),
        (b"a: !!python/object/apply:os.getcwd []", "cannot be read as YAML"),
    ],
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_config(path)
    assert str(path) in caught.value.message


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file \(check --config or MENDGRAPH_CONFIG\)"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read as YAML"):
        load_config(tmp_path)


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    text = """
    emotion:
      policy: ../policy
      tiers:
        primary: {path: final_model}
        neighbours: {path: ~/index}
        lexical: {path: /absolute/lexical}
        ensemble: {members: [a, "embedded:emotion/ensemble_b", ./b]}
    """
    path = write(tmp_path / "conf" / "a.yaml", text)
    emotion = load_config(path).emotion
    assert emotion.policy == str(tmp_path / "policy")
    assert emotion.tiers["primary"].arguments == {"path": str(tmp_path / "conf" / "final_model")}
    assert emotion.tiers["neighbours"].arguments == {"path": str(Path.home() / "index")}
    assert emotion.tiers["lexical"].arguments == {"path": "/absolute/lexical"}
    members = [str(tmp_path / "conf" / "a"), "embedded:emotion/ensemble_b", str(tmp_path / "conf" / "b")]
    assert emotion.tiers["ensemble"].arguments == {"members": members}
    assert emotion.tiers["emoji"].arguments == {"path": "embedded:emotion/emoji"}


def test_experts_are_folders_beside_the_file_or_models_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "lm" / "math").mkdir(parents=True)
    text = """
    token_routing:
      heads: heads
      experts:
        here: {path: lm/math, adapter: ./later}
        hub: {path: Qwen/Qwen2.5-0.5B, adapter: someone/lora}
        ours: {path: "embedded:lm/base"}
    """
    spec = load_config(write(tmp_path / "a.yaml", text)).token_routing
    found = {name: (one.path, one.adapter) for name, one in spec.experts.items()}
    assert found == {
        "here": (str(tmp_path / "lm" / "math"), str(tmp_path / "later")),
        "hub": ("Qwen/Qwen2.5-0.5B", "someone/lora"),
        "ours": ("embedded:lm/base", None),
    }
    assert spec.heads == str(tmp_path / "heads")


def test_paths_in_overrides_are_relative_to_the_working_folder(tmp_path: Path, elsewhere: Path) -> None:
    path = write(tmp_path / "conf" / "a.yaml", "")
    config = load_config(path, ["emotion.policy=p", "emotion.tiers.primary.path=embedded:emotion/primary"])
    assert config.emotion.policy == str(elsewhere / "p")
    assert config.emotion.tiers["primary"].arguments["path"] == "embedded:emotion/primary"


def test_a_home_nobody_knows_is_a_missing_path_and_no_crash() -> None:
    policy = load_config(None, ["emotion.policy=~no_such_user_at_all/policy"]).emotion.policy
    assert policy.endswith("~no_such_user_at_all/policy")


def test_the_file_named_wins_over_the_environment_and_that_over_the_working_folder(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = write(tmp_path / "named.yaml", "training: {seed: 1}")
    variable = write(tmp_path / "variable.yaml", "training: {seed: 2}")
    local = write(elsewhere / "mendgraph.yaml", "training: {seed: 3}\nmodel: {max_length: 64}")
    monkeypatch.setenv("MENDGRAPH_CONFIG", str(variable))
    assert load_config(named).training.seed == 1
    assert load_config(str(named)).source == named
    found = load_config()
    assert (found.training.seed, found.source) == (2, variable)
    assert found.model.max_length == 128  # only one file of the user's is read
    monkeypatch.delenv("MENDGRAPH_CONFIG")
    assert (load_config().training.seed, load_config().source) == (3, local)
    local.unlink()
    assert load_config().source == DEFAULTS


def test_a_missing_file_in_the_environment_is_an_error_and_not_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MENDGRAPH_CONFIG", str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigError, match="no such file"):
        load_config()


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "training: {seed: 1}")
    assert load_config(path).training.seed == 1
    write(path, "training: {seed: 22}")
    assert load_config(path).training.seed == 22


def test_with_overrides_changes_only_what_it_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "training: {seed: 1}\nemotion: {tiers: {lexical: null}}")
    config = load_config(path, ["lora.target_modules=[q_lin]"])
    assert with_overrides(config, []) == config
    changed = with_overrides(config, ["training.seed=5", "emotion.tiers.primary.merge=false"])
    assert changed.source == path
    assert (changed.training.seed, changed.lora.target_modules) == (5, ("q_lin",))
    assert changed.emotion.tiers["primary"].arguments["merge"] is False
    assert "lexical" not in changed.emotion.tiers
    assert config.training.seed == 1
    with pytest.raises(ConfigError, match=r"training\.sed: Extra inputs"):
        with_overrides(config, ["training.sed=5"])


def test_graphs_are_found_by_name() -> None:
    config = load_config()
    assert config.graph("emotion") is config.emotion
    for name in ("training", "emotoin", "source"):
        with pytest.raises(
            ConfigError,
            match=rf"no graph named '{name}' \(known graphs: emotion, reflection, prompt_routing, token_routing, "
            r"conflict\)",
        ):
            config.graph(name)


def test_load_takes_a_path_or_a_configuration_and_overrides_on_either(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "emotion: {ask: never}")
    tiers = {"primary": Scripted({}, confidence=0.1)}
    given: list[Path | Config] = [path, load_config(path)]
    for config in given:
        assert load(config=config, tiers=tiers).run("hm")[0].status == "abstained"
        asking = load(config=config, overrides=["emotion.ask=return"], tiers=tiers)
        assert asking.run("hm")[0].status == "needs_clarification"


def test_load_names_the_graphs_it_knows() -> None:
    with pytest.raises(
        UnknownNameError,
        match=r"unknown graph 'emotoin'; known: conflict, emotion, prompt_routing, reflection, token_routing \(did",
    ):
        load("emotoin")
    nothing = [f"emotion.tiers.{name}=null" for name in TIERS]
    with pytest.raises(ConfigError, match="a cascade needs at least one tier"):
        load(overrides=nothing)
    with pytest.raises(UnknownNameError, match="unknown kind of tier 'lexcal'"):
        load(overrides=[*nothing, "emotion.tiers.mine={kind: lexcal}"])


def test_supervision_of_a_tier_changes_only_what_it_names() -> None:
    sets = [
        "emotion.supervision.retries=3",
        "emotion.tiers.primary.supervision={isolation: process, breaker: {consecutive: 7}}",
    ]
    spec = load_config(None, sets).emotion
    primary, lexical = spec.supervision_of("primary"), spec.supervision_of("lexical")
    assert (primary.isolation, primary.retries, primary.breaker.consecutive) == ("process", 3, 7)
    assert primary.breaker.window == lexical.breaker.window
    assert (lexical.isolation, lexical.retries, lexical.breaker.consecutive) == ("inline", 3, 2)
    assert "supervision" not in spec.tiers["primary"].arguments
    assert "cost" not in spec.tiers["primary"].arguments


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("emotion.supervision.isolation=container", "emotion.supervision.isolation"),
        ("emotion.supervision.retires=1", "emotion.supervision.retires"),
        (
            "emotion.tiers.primary.supervision={breaker: {window: 0}}",
            "tiers.primary.supervision.breaker.window",
        ),
        ("emotion.tiers.primary.supervision={deadline: 3}", "tiers.primary.supervision.deadline"),
        ("emotion.tiers.primary.cost=-1", "emotion.tiers.primary.cost"),
        ("emotion.deadline_s=0", "emotion.deadline_s"),
    ],
)
def test_supervision_that_is_wrong_is_refused_with_its_place(setting: str, place: str) -> None:
    with pytest.raises(ConfigError, match=place.replace(".", r"\.")):
        load_config(None, [setting])


def test_every_graph_is_configured_alike(tmp_path: Path) -> None:
    written = yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    assert set(graph_names()) == {"emotion", "reflection", "prompt_routing", "token_routing", "conflict"}
    for name in graph_names():
        default = load_config().graph(name)
        keys = {field.alias or key for key, field in type(default).model_fields.items()}
        assert written[name].keys() == keys
        first, *rest = default.tiers
        without = load_config(write(tmp_path / f"{name}.yaml", f"{name}: {{tiers: {{{first}: null}}}}"))
        assert list(without.graph(name).tiers) == rest
        assert list(load_config(None, [f"{name}.tiers.{first}=null"]).graph(name).tiers) == rest
