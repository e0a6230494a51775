import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { remedyFor } from '../../../lib/errors.ts';
import { foreignKind, isRetried } from '../../../lib/foreign-errors.ts';

const { errors } = v.parse(
  v.looseObject({ errors: v.record(v.string(), v.array(v.string())) }),
  parse(readFileSync(join(import.meta.dirname, '../../../statemachine/retriers.yml'), 'utf8')),
);

describe('errors that the state machines try again', () => {
  it.each(Object.entries(errors).flatMap(([kind, names]) => names.map((name) => ({ kind, name }))))(
    'are known by kind: $name',
    ({ kind, name }) => {
      expect(isRetried(name)).toBe(true);
      expect([foreignKind(name), name === 'Lambda.TooManyRequestsException' ? 'throttled' : '']).toContain(kind);
    },
  );
});

it('of what Lambda refuses, only what the state machines try again has a number of tries', async () => {
  const exceptions = Object.keys(await import('@aws-sdk/client-lambda')).filter((name) => name.endsWith('Exception'));
  expect(exceptions.length).toBeGreaterThan(30);
  const retried = Object.values(errors).flat();
  for (const name of exceptions.map((exception) => `Lambda.${exception}`)) {
    expect([name, isRetried(name)]).toEqual([name, retried.includes(name)]);
  }
});

const remedies: [names: string[], remedy: RegExp][] = [
  [['AccessDenied', 'AccessDeniedException', 'Lambda.AccessDeniedException'], /the role, the action and the resource/],
  [['ExpiredTokenException', 'UnrecognizedClientException'], /new credentials/],
  [['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'SlowDown'], /later, .* quota .* raised/],
  [['Lambda.TooManyRequestsException'], /concurrent Lambda executions/],
  [['ServiceUnavailable', 'InternalFailure', 'NetworkingError', 'ServerError'], /AWS Health Dashboard/],
  [['Lambda.ServiceException', 'Lambda.AWSLambdaException'], /Dashboard for Lambda/],
  [['Lambda.KMSAccessDeniedException', 'Lambda.KMSNotFoundException'], /variables.*role.*made anew.*redrive/],
  [['Lambda.InvalidSubnetIDException', 'Lambda.ResourceConflictException', 'Lambda.Other'], /cannot start/],
  [['DecryptionFailure', 'DisabledException', 'KMSInvalidStateException'], /[Cc]ancel .* deletion.*enable it/],
  [['InvalidRequestException'], /restore-secret/],
  [['ResourceNotFoundException', 'NoSuchEntity', 'Lambda.ResourceNotFoundException'], /who has deleted/],
  [['LimitExceededException'], /quota raised/],
  [['ValidationError', 'InsufficientCapabilitiesException'], /Correct what the message names/],
  [
    ['Lambda.Unknown', 'Sandbox.Timedout', 'Runtime.ExitError', 'Runtime.Whatever'],
    /Redrive the execution once\. .*timed out/,
  ],
  [['States.Timeout'], /waited for the stack, .* AWS Health Dashboard/],
  [['States.Runtime', 'States.DataLimitExceeded'], /too large/],
  [['Error', 'TypeError', 'ValiError'], /it is a defect/],
];

it.each(remedies.flatMap(([names, remedy]) => names.map((name): [string, RegExp] => [name, remedy])))(
  'the remedy of %s fits its kind',
  (name, remedy) => {
    expect(remedyFor(name)).toMatch(remedy);
    expect(remedyFor(name)).toMatch(/redrive (?:the execution|it)|send the request again/i);
    // It says what to do, and sends nobody to find that out in a log.
    expect(remedyFor(name)).not.toMatch(/\b(?:look|read|check|see)\b[^.;]*\blogs?\b/i);
  },
);
