import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { LambdaError } from '../../core/lambda-error.ts';
import { type Meter, noMeter } from '../../core/meter.ts';

/** What Lambda does with events whose function fails. */
export interface EventInvokeConfig {
  maximumRetryAttempts: number;
  /** The queue for what failed at every attempt. */
  onFailureArn?: string;
}

export interface AsynchronousInvocations {
  configure(functionArn: string, config: EventInvokeConfig): void;
  /** From now on Lambda does with the function's events what it does by default. */
  forget(functionArn: string): void;
  /** Settles when the function has succeeded, or the event is given up. */
  invoke(functionArn: string, event: unknown): Promise<void>;
}

interface Parts {
  clock: Clock;
  /** Throws LambdaError. */
  invoke: (functionArn: string, event: unknown) => Promise<unknown>;
  /** Sends a record with the rights of the function's role. */
  send: (destinationArn: string, functionArn: string, record: string) => void;
  /** Called for every failed attempt. */
  onError: (functionArn: string, error: unknown) => void;
  /** Hears of events, where the function is; default: nobody does. */
  meterOf?: (functionArn: string) => Meter;
}

/** A minute before the second attempt, two before the third: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const retryDelaysMs = [60_000, 120_000];

/** Lambda's queue in front of functions that are invoked with events: it tries again what fails. */
export function createAsynchronousInvocations({
  clock,
  invoke,
  send,
  onError,
  meterOf = () => noMeter,
}: Parts): AsynchronousInvocations {
  const configs = new Map<string, EventInvokeConfig>();

  const count = (functionArn: string, metric: string) =>
    meterOf(functionArn)('AWS/Lambda', { FunctionName: functionArn.split(':')[6] ?? '' }, { [metric]: 1 });

  return {
    configure: (functionArn, config) => void configs.set(functionArn, config),
    forget: (functionArn) => void configs.delete(functionArn),

    async invoke(functionArn, event) {
      const { maximumRetryAttempts = 2, onFailureArn } = configs.get(functionArn) ?? {};
      count(functionArn, 'AsyncEventsReceived');
      for (let attempt = 0; ; attempt += 1) {
        try {
          await invoke(functionArn, event);
          return;
        } catch (error) {
          onError(functionArn, error);
          const delay = attempt < maximumRetryAttempts ? retryDelaysMs[attempt] : undefined;
          if (delay === undefined) {
            const record = JSON.stringify(invocationRecord(clock, functionArn, event, attempt + 1, error));
            // Also of what its queue gets: Lambda developer guide, "Types of metrics for Lambda functions".
            count(functionArn, 'AsyncEventsDropped');
            if (onFailureArn !== undefined) send(onFailureArn, functionArn, record);
            return;
          }
          await clock.sleep(delay);
        }
      }
    },
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
function invocationRecord(clock: Clock, functionArn: string, event: unknown, attempts: number, error: unknown): object {
  return {
    version: '1.0',
    timestamp: new Date(clock.now()).toISOString(),
    requestContext: {
      requestId: randomUUID(),
      functionArn: `${functionArn}:$LATEST`,
      condition: 'RetriesExhausted',
      approximateInvokeCount: attempts,
    },
    requestPayload: event,
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: error instanceof LambdaError ? parsed(error.cause) : { errorMessage: String(error) },
  };
}

/** The cause is Lambda's JSON where the function itself failed, and a text where Lambda did. */
function parsed(cause: string): unknown {
  try {
    return JSON.parse(cause);
  } catch {
    return { errorMessage: cause };
  }
}
