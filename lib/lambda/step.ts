import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type * as v from 'valibot';
import { closeIdleConnections } from '../aws/clients.ts';
import { errorName } from '../aws/error-name.ts';
import { explain } from '../aws/explain.ts';
import { InvalidConfiguration, InvalidStepInput, StepError } from '../errors.ts';
import { parse } from '../parse.ts';
import { redact, redactingReplacer, withKnownSecrets } from '../redact.ts';
import { logKeysOf } from './log-keys.ts';

/** After so long without an invocation, connections may have died while the function was frozen; what they save is little. */
const idleMs = 30_000;

/** Context passed to a step besides its input. */
export interface StepContext<Environment> {
  environment: Environment;
  logger: Logger;
  /** The ARN of the function that runs, what identifies this run of it, and how long this may take. */
  invocation: {
    functionArn: string;
    requestId: string;
    /** How long it may run yet. */
    remainingMs(): number;
  };
}

interface Step<Environment, Input, Output> {
  /** The step's name, as its folder: `obtain-token`. */
  name: string;
  /** The schema of the function's environment variables; parsed once per process, before the first input. */
  environment: v.GenericSchema<unknown, Environment>;
  /** Reads what the variables only name; default: they hold everything. */
  complete?: (variables: NodeJS.ProcessEnv) => Promise<Readonly<Record<string, string | undefined>>>;
  input: v.GenericSchema<unknown, Input>;
  run: (input: Input, context: StepContext<Environment>) => Promise<Output>;
}

/**
 * Wraps a step into its Lambda handler: parses environment and input, logs without secrets and with the subscriber and the execution
 * that the event names, and lets errors through to the state machine under their ASL names. The secrets that the step meets stand in
 * none of its log lines and errors.
 * @throws InvalidConfiguration when the environment breaks its schema
 * @throws what `complete` throws
 * @throws InvalidStepInput when the input does
 */
export function step<Environment, Input, Output>({
  name,
  environment,
  complete = async (variables) => variables,
  input,
  run,
}: Step<Environment, Input, Output>) {
  const logger = new Logger({ serviceName: name, jsonReplacerFn: redactingReplacer });
  let parsedEnvironment: Environment | undefined;
  let lastEnd: number | undefined;

  const handler = middy<unknown, Output, Error, Context>()
    .use(injectLambdaContext(logger, { resetKeys: true }))
    .onError((request) => {
      const error = request.error ?? new Error('unknown');
      const exposed = error instanceof StepError ? withoutSecrets(error) : withoutDetails(error);
      logger.error('step failed', { errorName: exposed.name, errorMessage: exposed.message });
      // Not thrown: middy would attach the original to it, and Lambda's runtime logs an error with its fields and cause.
      request.error = exposed;
      lastEnd = Date.now();
    })
    .before(() => {
      if (lastEnd !== undefined && Date.now() - lastEnd > idleMs) closeIdleConnections();
    })
    .after(() => {
      lastEnd = Date.now();
    })
    .handler(async (event, context) => {
      const { invokedFunctionArn: functionArn, awsRequestId: requestId } = context;
      logger.appendKeys({ ...logKeysOf(event) });
      parsedEnvironment ??= parse(
        environment,
        await complete(process.env),
        (field, rule) => new InvalidConfiguration(`${field}: ${rule}`),
      );
      const parsedInput = parse(input, event, (field, rule) => new InvalidStepInput(`${field}: ${rule}`));
      const output = await run(parsedInput, {
        environment: parsedEnvironment,
        logger,
        invocation: { functionArn, requestId, remainingMs: () => context.getRemainingTimeInMillis() },
      });
      logger.info('step succeeded');
      return output;
    });
  return (event: unknown, context: Context): Promise<Output> => withKnownSecrets(() => handler(event, context));
}

/** One of the project's own errors, whose message may quote what somebody else has answered. */
function withoutSecrets(error: StepError): StepError {
  error.message = redact(error.message);
  error.stack = redact(error.stack ?? '');
  return error;
}

/** An AWS client's error with its name for `Retry` and `Catch`, and what it was about, without the fields that may hold a request or response. */
function withoutDetails(error: Error): Error {
  const exposed = new Error(redact(explain(error)));
  exposed.name = errorName(error);
  exposed.stack = redact(error.stack ?? '');
  return exposed;
}
