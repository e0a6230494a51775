import type { Context } from 'aws-lambda';
import { expect, onTestFinished, vi } from 'vitest';

/** When every invocation happens. */
export const now = new Date('2026-01-01T12:00:00.000Z');
export const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000).toISOString();

const marker = 'c0nfidential';
/** A secret of a test. No output, error or log line of a function may hold it: each invocation checks that. */
export const secret = (name: string) => `${marker}-${name}`;

/** What matches an error of this name whose message names this. */
export const errorOf = (name: string, mentioned: string) => ({ name, message: expect.stringContaining(mentioned) });

/** What Lambda tells a function of its invocation. */
export const context: Context = {
  awsRequestId: '11111111-1111-4111-8111-111111111111',
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'function-under-test',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:111111111111:function:function-under-test',
  logGroupName: '/aws/lambda/function-under-test',
  logStreamName: '2026/01/01/[$LATEST]0123456789abcdef',
  memoryLimitInMB: '512',
  getRemainingTimeInMillis: () => 900_000,
  done: () => {},
  fail: () => {},
  succeed: () => {},
};

/** Lets the functions of the running test have so little time left. */
export function withTimeLeft(milliseconds: number): void {
  const left = vi.spyOn(context, 'getRemainingTimeInMillis').mockReturnValue(milliseconds);
  onTestFinished(() => left.mockRestore());
}

/** The environment of the last invocation, in which the modules that are loaded have run. */
let loadedIn: string | undefined;

type Load<Output> = () => Promise<{ handler: (event: unknown, context: Context) => Promise<Output> }>;

/**
 * Invokes a function as Lambda does, with this environment; a variable that a test sets to undefined is missing. Like a process
 * of Lambda's, a function stays loaded for as long as its environment is the same, and with it the clients that it has made: a
 * test to which a cold start matters calls `vi.resetModules`. A failed invocation must have logged the error's name.
 */
export function lambda<Environment extends Record<string, string>, Output>(
  load: Load<Output>,
  environment: Environment,
  /** Takes the log lines of all invocations. */
  lines: string[] = [],
) {
  return async (event: unknown, changes: { [Name in keyof Environment]?: string | undefined } = {}) => {
    const variables = Object.entries({ ...environment, ...changes });
    for (const [name, value] of variables) vi.stubEnv(name, value);
    vi.useFakeTimers({ toFake: ['Date'], now });
    // A function parses its environment once per process.
    if (JSON.stringify(variables) !== loadedIn) vi.resetModules();
    loadedIn = JSON.stringify(variables);
    const log: string[] = [];
    const record = (text: string | Uint8Array) => lines.push(String(text)) + log.push(String(text)) > 0;
    const streams = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation(record),
    );
    try {
      const { handler } = await load();
      const output = await handler(event, context);
      expect(JSON.stringify([output, log])).not.toContain(marker);
      return output;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      expect(JSON.stringify([{ ...error }, error.message, error.stack, log])).not.toContain(marker);
      if (error.name !== 'AssertionError') expect(log.join('')).toContain(error.name);
      throw error;
    } finally {
      for (const stream of streams) stream.mockRestore();
      vi.useRealTimers();
      vi.unstubAllEnvs();
    }
  };
}
