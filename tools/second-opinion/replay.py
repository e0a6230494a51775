"""Replays recorded runs of state machines with moto's interpreter of the Amazon States Language.

The file that is the argument has the definitions and the runs. Of a run, moto gets the input and what each try of a task
came to, in the order of the record, and no more: which state is next, what it gets and returns, what is retried and caught
and how the execution ends is moto's opinion. Its history is compared with the record, event by event.
"""

import copy
import functools
import itertools
import json
import logging
import re
import sys
from datetime import datetime

import moto
from moto.stepfunctions.parser.api import HistoryEventType, StateMachineType
from moto.stepfunctions.parser.asl.component.common.catch.catcher_decl import CatcherDecl
from moto.stepfunctions.parser.asl.component.common.catch.catcher_outcome import CatcherOutcomeCaught
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import jitter_strategy_decl, retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.states import (
    ContextObject,
    ContextObjectData,
    ExecutionData,
    StateMachineData,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path

logging.disable(logging.CRITICAL)

# What a part of a run ends with that comes from outside of its states.
FROM_OUTSIDE = ("ExecutionAborted", "ExecutionTimedOut")
TOO_LARGE = "States.DataLimitExceeded"
# How much later than its interval a retry may come: the clock of a real run goes on while functions work.
LATE_SECONDS = 5


def details(event):
    """The details of an event; a mapping, also when it has none."""
    return next((value for name, value in event.items() if name.endswith("EventDetails")), {})


class Part:
    """A run from its start, or from a redrive, to an end; what moto asks of the world while it replays it."""

    def __init__(self, events, definition):
        self.events = events
        self.is_ended_outside = events[-1]["type"] in FROM_OUTSIDE
        self.time_limit = definition.get("TimeoutSeconds")
        self.tries = []
        self.failed_at = None
        self.env = None
        for event in events:
            kind = event["type"]
            if kind in ("LambdaFunctionScheduled", "TaskScheduled"):
                self.tries.append({"scheduled": event, "ended": None, "submitted": None})
            elif kind == "TaskSubmitted":
                self.tries[-1]["submitted"] = event
            elif kind.startswith(("LambdaFunction", "Task")) and kind.endswith(("Succeeded", "Failed", "TimedOut")):
                self.tries[-1]["ended"] = event
        self.left = list(self.tries)
        self.current = None
        self.objections = []

    def stop(self):
        """Ends moto's program where the record ends."""
        last = self.events[-1]
        if last["type"] == "ExecutionTimedOut":
            self.env.set_timed_out()
        elif last["type"] == "ExecutionAborted":
            self.env.set_stop(stop_date=None, cause=None, error=details(last).get("error"))
        else:
            self.objections.append("moto goes on where the record ends")
            self.env.set_stop(stop_date=None, cause=None, error=None)

    def invoke(self, env, **_):
        """Does in moto what the function did."""
        if not self.left:
            self.stop()
            raise RuntimeError("the record has ended")
        self.current = self.left.pop(0)
        ended, submitted = self.current["ended"], self.current["submitted"]
        if submitted is None:
            if ended is None:
                self.stop()
                raise RuntimeError("the record has ended")
            self.end_with_failure(env, ended)
        if submitted is not None:
            output = details(submitted).get("output")
            env.stack.append(json.loads(output) if output else {"Payload": None, "StatusCode": 200})
        else:
            payload = json.loads(details(ended)["output"])
            env.stack.append({"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200})

    def end_with_failure(self, env, ended):
        """Raises what makes the try fail as it did; returns when it succeeded."""
        kind, detail = ended["type"], details(ended)
        error, cause = detail.get("error"), detail.get("cause", "")
        self.failed_at = instant(ended)
        if kind.endswith("TimedOut"):
            raise TimeoutError()
        if not kind.endswith("Failed"):
            return
        if is_of_function(error, cause):
            raise lambda_eval_utils.LambdaFunctionErrorException("Unhandled", cause)
        # Of Lambda itself; moto would need its answers.
        name = "lambdaFunctionFailedEventDetails" if kind == "LambdaFunctionFailed" else "taskFailedEventDetails"
        raise FailureEventException(
            FailureEvent(
                env=env,
                error_name=CustomErrorName(error),
                event_type=HistoryEventType(kind),
                event_details={name: dict(detail)},
            )
        )

    def answer(self, timeout_seconds):
        """What the task's token was answered with."""
        ended = self.current["ended"]
        wanted = details(self.current["scheduled"]).get("timeoutInSeconds")
        if wanted != timeout_seconds:
            self.objections.append(f"waits {timeout_seconds} s, and not {wanted}")
        if ended is None:
            self.stop()
            raise RuntimeError("the record has ended")
        self.failed_at = instant(ended)
        if ended["type"] == "TaskTimedOut":
            return CallbackOutcomeTimedOut(callback_id="")
        detail = details(ended)
        if ended["type"] == "TaskFailed":
            return CallbackOutcomeFailure(callback_id="", error=detail.get("error"), cause=detail.get("cause"))
        return CallbackOutcomeSuccess(callback_id="", output=detail["output"])

    def sleep(self, seconds, is_random):
        """Compares moto's time until a retry with the record's."""
        if not self.left:
            self.stop()
            return
        passed = instant(self.left[0]["scheduled"]) - self.failed_at
        is_right = passed <= seconds + LATE_SECONDS and (is_random or passed >= seconds - 0.001)
        if not is_right:
            self.objections.append(f"retries after {seconds} s, and not {passed} s")


def is_of_function(error, cause):
    """Whether a failure is an error that a function has thrown, as Lambda reports it."""
    try:
        return json.loads(cause).get("errorType") == error
    except (ValueError, AttributeError):
        return False


def without_tokens(text):
    """A text with the same word for each task token."""
    return re.sub(r"AQCoAAAA[\w+/=-]*", "a token", text)


def instant(event):
    return datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00")).timestamp()


# Where moto reaches out of its interpreter: to Lambda, to callers with tokens, to the clock and to chance.
part = None


def replaced_integration(env, parameters, region, state_credentials):
    size = details(part.left[0]["ended"] or {}).get("error") if part.left else None
    if size == TOO_LARGE:
        # Moto is to find out by itself.
        part.current = part.left.pop(0)
        part.failed_at = instant(part.current["ended"])
        env.stack.append({"Payload": "x" * 262_144, "StatusCode": 200})
        return
    part.invoke(env)


def replaced_sleep(seconds):
    part.sleep(seconds, replaced_sleep.is_random)
    replaced_sleep.is_random = False


def replaced_uniform(_low, high):
    replaced_sleep.is_random = True
    return high


class Time:
    sleep = staticmethod(replaced_sleep)


class Random:
    uniform = staticmethod(replaced_uniform)


def replaced_token(self):
    token = f"AQCoAAAA{next(numbers)}"
    self.context_object_data["Task"] = {"Token": token}
    return token


def replaced_catcher(self, env):
    original_catcher(self, env)
    if isinstance(env.stack[-1], CatcherOutcomeCaught):
        env.is_caught = True


def replaced_next(self, env):
    # Moto takes a Catch that leads back to its own state for none: the only thing that is corrected in it.
    if getattr(env, "is_caught", False):
        env.is_caught = False
    else:
        original_next(self, env)


# A parser makes its tables anew for each path, which takes nearly all of the time.
for module in (json_path, result_path):
    module.parse = functools.lru_cache(maxsize=None)(module.parse)
numbers = itertools.count()
original_catcher, CatcherDecl._eval_body = CatcherDecl._eval_body, replaced_catcher
original_next, CommonStateField._set_next = CommonStateField._set_next, replaced_next
replaced_sleep.is_random = False
lambda_eval_utils.execute_lambda_function_integration = replaced_integration
retrier_decl.time = Time
jitter_strategy_decl.random = Random
ContextObject.update_task_token = replaced_token
state_task_service_callback.StateTaskServiceCallback._eval_wait_for_task_token = (
    lambda self, env, timeout_seconds, callback_endpoint, heartbeat_endpoint: part.answer(timeout_seconds)
)

# Members of details that say something, and of these those that are JSON.
COMPARED = ("name", "error", "cause", "resource", "resourceType", "timeoutInSeconds", "input", "output", "parameters")
JSON = ("input", "output", "parameters")


def seen(event):
    """What is compared of an event."""
    detail = details(event)
    compared = {name: detail[name] for name in COMPARED if detail.get(name) is not None}
    for name in JSON:
        if name in compared:
            compared[name] = json.loads(without_tokens(compared[name]))
    if event["type"] == "TaskSubmitted":
        # Of a token that is answered early, the record has no output of the function.
        compared.pop("output", None)
    return {"type": event["type"], **compared}


def replay(run, events, program, definition):
    """Replays one part of a run. Returns moto's objections."""
    global part
    first = next((event for event in events if event["type"].endswith("StateEntered")), None)
    if first is None:
        return []
    part = Part(events, definition)
    entered = details(first)
    own = copy.copy(program)
    own.start_at = StartAt(start_at_name=entered["name"])
    arn = run["executionArn"].split(":")
    env = Environment(
        aws_execution_details=AWSExecutionDetails(account=arn[4], region=arn[3], role_arn=""),
        execution_type=StateMachineType.STANDARD,
        context=ContextObjectData(
            Execution=ExecutionData(
                Id=run["executionArn"],
                Input=json.loads(entered["input"]),
                Name=arn[-1],
                RoleArn="",
                StartTime=run["startTime"],
            ),
            StateMachine=StateMachineData(Id="", Name=run["machine"]),
        ),
        event_history_context=EventHistoryContext.of_program_start(),
        cloud_watch_logging_session=None,
        activity_store={},
    )
    part.env = env
    own.eval(env)
    of_moto = [seen(event) for event in env.event_manager.get_event_history()]
    recorded = [seen(event) for event in events if event["type"] not in ("ExecutionStarted", "ExecutionRedriven")]
    if part.is_ended_outside:
        recorded = recorded[:-1]
        of_moto = of_moto[: len(recorded)]
        ended = events[-1]
        if ended["type"] == "ExecutionTimedOut":
            passed = instant(ended) - instant(events[0])
            if part.time_limit is None or abs(passed - part.time_limit) > LATE_SECONDS:
                part.objections.append(f"times out after {part.time_limit} s, and not {passed} s")
    objections = list(part.objections)
    for index in range(max(len(recorded), len(of_moto))):
        ours = recorded[index] if index < len(recorded) else None
        theirs = of_moto[index] if index < len(of_moto) else None
        if ours != theirs:
            objections.append(f"event {index + 1} of {first['id']}: recorded {brief(ours)}\n    moto {brief(theirs)}")
            break
    return objections


def brief(value):
    text = json.dumps(value)
    return text if len(text) <= 600 else f"{text[:600]}…"


def parts_of(events):
    """The events from the start and from each redrive on."""
    parts = []
    for event in events:
        if event["type"] in ("ExecutionStarted", "ExecutionRedriven"):
            parts.append([])
        parts[-1].append(event)
    return parts


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        recorded = json.load(file)
    machines = {
        name: (AmazonStateLanguageParser.parse(text)[0], json.loads(text))
        for name, text in recorded["definitions"].items()
    }
    disagreed, events = 0, 0
    for run in recorded["runs"]:
        program, definition = machines[run["machine"]]
        objections = [o for events_of in parts_of(run["events"]) for o in replay(run, events_of, program, definition)]
        events += len(run["events"])
        if objections:
            disagreed += 1
            print(f"{run['name']}:", *objections, sep="\n  ")
    print(
        f"moto {moto.__version__} on {len(recorded['runs'])} runs of {len(machines)} machines, {events} events:"
        f" {'it agrees' if disagreed == 0 else f'it disagrees on {disagreed}'}"
    )
    sys.exit(1 if disagreed else 0)


main()
