import { ApiProblem, apiProblems } from '../api-problem.ts';
import { errorName } from '../aws/error-name.ts';
import { explain } from '../aws/explain.ts';
import { InvalidRequest, OnboardingInProgress, StepError } from '../errors.ts';
import { foreignKind } from '../foreign-errors.ts';
import { redact } from '../redact.ts';
import { type HttpResponse, jsonResponse } from './http.ts';
import type { StepContext } from './step.ts';

/** The statuses of the state machines' errors that the API can find beforehand; every other one is the deployment's. */
const statuses: Readonly<Record<string, number>> = {
  InvalidRequest: 400,
  SubscriberNotFound: 404,
  OnboardingInProgress: 409,
  SubscriberNotActive: 409,
  KeyPolicyBusy: 503,
};

/** After how many seconds a client may ask again. */
const retryAfter: Readonly<Record<string, number>> = { OnboardingInProgress: 30, IndexNotReady: 60 };
const usualRetryAfter = 5;

/** So many faults are answered at most: what more is wrong shows when these are mended. */
const maxErrors = 100;

/** An error as the API answers it. */
interface Problem {
  name: string;
  message: string;
  remedy: string;
  /** In which page of the repository the error has a section of its name. */
  page: 'docs/runbook.md' | 'docs/api.md';
  status: number;
  /** The execution that is in the way. */
  executionArn?: string | undefined;
  /** Each place of the request that is wrong, by its JSON Pointer, and what else is wrong. */
  errors?: readonly { pointer?: string | undefined; detail: string }[] | undefined;
}

/** An error as problem details (RFC 9457); `name` and `remedy` are ours. */
export function problemResponse(
  { name, message, remedy, page, status, executionArn, errors }: Problem,
  requestId: string,
): HttpResponse {
  const after = retryAfter[name] ?? (status === 503 ? usualRetryAfter : undefined);
  const body = {
    type: `urn:infinstor-onboarding:${page}#${name.toLowerCase()}`,
    title: titleOf(name),
    status,
    detail: redact(message),
    instance: `urn:uuid:${requestId}`,
    name,
    remedy,
    ...(executionArn !== undefined && { executionArn }),
    ...(errors && { errors: errors.slice(0, maxErrors) }),
  };
  return jsonResponse(status, body, {
    'content-type': 'application/problem+json',
    ...(after !== undefined && { 'retry-after': String(after) }),
  });
}

/** `InvalidRequest` as `Invalid request`. */
function titleOf(name: string): string {
  const words = name.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.replace(/\baws\b/i, 'AWS').replace(/\binfin stor\b/i, 'InfinStor');
}

/**
 * Answers with what `run` returns, or with the problem that it has thrown. What nobody expected is logged with its reason, and answered without:
 * AWS that is too busy with 503, everything else with 500.
 */
export async function respond(
  { logger, invocation: { requestId } }: Pick<StepContext<unknown>, 'logger' | 'invocation'>,
  run: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const problem = describe(error, requestId);
    const reason = error instanceof StepError || error instanceof ApiProblem ? error.message : explain(error);
    const details = { errorName: errorName(error), errorMessage: redact(reason) };
    if (problem.status < 500) logger.warn('request refused', details);
    else logger.error('request failed', details);
    return problemResponse(problem, requestId);
  }
}

function describe(error: Error, requestId: string): Problem {
  if (error instanceof ApiProblem) {
    const { name, message, remedy } = error;
    return { name, message, remedy, page: 'docs/api.md', status: apiProblems[name] };
  }
  if (error instanceof StepError) {
    const { name, message, remedy } = error;
    const errors =
      error instanceof InvalidRequest
        ? error.faults.map(({ pointer, rule }) => ({ pointer, detail: rule }))
        : undefined;
    const { executionArn } = error instanceof OnboardingInProgress ? error : {};
    return { name, message, remedy, page: 'docs/runbook.md', status: statuses[name] ?? 500, executionArn, errors };
  }
  const isBusy = ['throttled', 'busy', 'failed'].includes(foreignKind(errorName(error)));
  return isBusy
    ? {
        name: 'AwsBusy',
        message: 'An AWS service that the API needs does not answer at this moment, or not so often',
        remedy:
          'Send the request again after some seconds; a POST, PATCH or DELETE with the Idempotency-Key of the first try.',
        page: 'docs/api.md',
        status: apiProblems.AwsBusy,
      }
    : {
        name: 'InternalError',
        message: 'The deployment met an error that it does not know',
        remedy: `Look at the log of the function for the request ${requestId}, or let an operator of the deployment do so.`,
        page: 'docs/api.md',
        status: apiProblems.InternalError,
      };
}
