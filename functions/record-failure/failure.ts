import type { HistoryEvent } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { json } from '../shared/json.ts';
import { redact } from '../shared/redact.ts';

const lambdaCauseSchema = json(v.object({ errorMessage: v.string() }));

/** What an execution's cause says to a person: the message inside Lambda's JSON, or the text as it is. */
export function causeMessage(cause: string | undefined): string {
  const parsed = v.safeParse(lambdaCauseSchema, cause);
  return redact(parsed.success ? parsed.output.errorMessage : (cause ?? ''));
}

/** The state that was entered last, which is the one that an execution ended in. */
export function lastState(newestFirst: readonly HistoryEvent[]): string | undefined {
  return newestFirst.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails !== undefined)
    ?.stateEnteredEventDetails?.name;
}
