import * as v from 'valibot';
import { unreachable } from '../aws/answer.ts';
import type { Outcome } from '../command.ts';
import { CommandError, usageError } from '../command-error.ts';
import type { Session } from '../session.ts';

/** The faults to add are as they were given: the sandbox knows which there are. */
type Action = { name: 'list' | 'clear' } | { name: 'add'; faults: readonly string[] };

const faultsSchema = v.object({ faults: v.array(v.string()) });
const refusalSchema = v.object({ error: v.object({ name: v.string(), message: v.string() }) });

/**
 * Adds faults to a running sandbox, lists those that have not happened yet, or removes them.
 * @param send fetch, or what stands in for it in a test
 * @returns the document that `--json` prints, and the text for people; both have the faults that are still to happen
 * @throws CommandError named InvalidRequest for a rule that the sandbox refuses, EndpointUnreachable when nothing answers,
 * NotASandbox when something else answers
 */
export async function faults(
  {
    words,
    options: { list = false, clear = false },
  }: { words: readonly string[]; options: { list?: boolean | undefined; clear?: boolean | undefined } },
  session: Pick<Session, 'reach' | 'command'>,
  send: typeof fetch = fetch,
): Promise<Outcome> {
  if (Number(list) + Number(clear) + Number(words.length > 0) !== 1) {
    throw usageError('fault takes faults (service:Operation:kind[:times]), --list, or --clear');
  }
  const target = await session.reach();
  if (target.kind === 'stage') throw usageError('fault needs --endpoint: faults are for a running sandbox');
  const endpoint = target.url;
  const action: Action = list ? { name: 'list' } : clear ? { name: 'clear' } : { name: 'add', faults: words };
  const { faults: left } = await request(endpoint, action, send);
  return { document: { status: 'SUCCEEDED', faults: left, error: null }, text: textOf(action, left) };
}

async function request(endpoint: string, action: Action, send: typeof fetch) {
  const response = await send(new URL('/sandbox/faults', endpoint), initOf(action)).catch((error: unknown) => {
    // fetch says "fetch failed"; what has failed is the cause.
    throw unreachable(error instanceof Error ? (error.cause ?? error) : error);
  });
  const body = await response.text();
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), v.union([faultsSchema, refusalSchema])), body);
  if (!parsed.success) {
    throw new CommandError(
      'NotASandbox',
      `What answers at ${endpoint} takes no faults (status ${response.status})`,
      'Faults are for a running sandbox of this version: start one with `npm run sandbox` and pass the endpoint that it prints.',
    );
  }
  if ('faults' in parsed.output) return parsed.output;
  const { name, message } = parsed.output.error;
  throw new CommandError(name, message, 'Run the command with --help to see the kinds of faults.');
}

function initOf(action: Action): RequestInit {
  switch (action.name) {
    case 'list':
      return { method: 'GET' };
    case 'clear':
      return { method: 'DELETE' };
    case 'add':
      return {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ faults: action.faults }),
      };
  }
}

function textOf(action: Action, left: readonly string[]): string {
  if (left.length === 0) return action.name === 'clear' ? 'All faults are removed.\n' : 'No faults are left.\n';
  return ['Faults that are still to happen:', ...left.map((fault) => `  ${fault}`), ''].join('\n');
}
