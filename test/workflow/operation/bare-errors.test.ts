// Errors of AWS that end an execution say what was called, on what, by whom and for how long it was tried.

import { afterEach, describe, expect, it } from 'vitest';
import { remedyFor } from '../../../lib/errors.ts';
import { foreignKind } from '../../../lib/foreign-errors.ts';
import type { Fault } from '../../../sandbox/core/faults.ts';
import { expectFailure, onboard, requestFor, useSandbox } from '../sandbox.ts';
import { fault, functionNameOf, newName } from '../subscriber.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

/** Lets a call of a step fail until the execution gives up. */
async function ended(by: string, text: string, message?: string) {
  const [service = '', operation = '', kind = ''] = text.split(':');
  const [, name = ''] = /^error=(\w+)$/.exec(kind) ?? [];
  const rest: { functionName: string; fault?: Fault } = { functionName: functionNameOf(by) };
  if (message !== undefined) rest.fault = { kind: 'error', name, message };
  fault(sandbox(), `${service}:${operation}:${kind}:9999`, rest);
  const userName = newName('bare');
  const report = await onboard(sandbox(), requestFor(userName));
  return { userName, report, message: report.error?.message ?? '' };
}

describe('a call that AWS throttles', () => {
  it.each([
    ['dynamodb:UpdateItem:throttle', 'accept-request', 'AcceptRequest', 'ThrottlingException', 'dynamodb:UpdateItem on infinstor-onboarding-sandbox-registry: Rate exceeded'],
    ['cloudformation:DescribeStacks:throttle', 'deploy-stack', 'DeployStack', 'Throttling', 'cloudformation:DescribeStacks on infinstor-subscriber-sandbox-'],
    ['iam:GetRole:throttle', 'read-role-arn', 'ReadRoleArn', 'Throttling', 'iam:GetRole on RoleForInfinStorMlflowService-'],
  ])('says which it was, and for how long it was tried: %s', async (text, by, step, name, start) => {
    const { report, message } = await ended(by, text);
    await expectFailure(sandbox(), report, { name, step });
    expect(message).toContain(start);
    expect(message).toMatch(/\(tried 3 times, with \d+\.\d s of pauses, by the function\)/);
    expect(message).toMatch(/; the state machine has tried it 31 times in \d+ min$/);
    expect(report.error?.remedy).toBe(remedyFor('ThrottlingException'));
  });
});
