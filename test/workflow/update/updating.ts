// How subscribers are updated, and what is expected of them then.

import * as v from 'valibot';
import { expect } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { copied } from '../copied-subscriber.ts';
import { recordOf, requestFor, run } from '../sandbox.ts';
import { credentialsOf, letTokensExpire, logIn, newName, onboarded, subscribersNamed } from '../subscriber.ts';

export const updatePath = ['AcceptUpdate', 'ObtainToken', 'UpdateSubscriber', 'CompleteUpdate'];

const credentialsSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({
    state: v.string(),
    password: v.optional(v.string()),
    emailId: v.optional(v.string()),
    customToken: v.string(),
    customTokenExpiresAt: v.optional(v.string()),
    schemaVersion: v.literal(2),
  }),
  v.transform(({ schemaVersion: _, ...credentials }) => credentials),
);

/** What is kept of the subscriber's credentials. */
export const kept = ({ secretsManager }: Sandbox, userName: string) =>
  v.parse(credentialsSchema, secretsManager.value(credentialsOf(userName)));

/** A subscriber that is onboarded, with a new password in a secret; no superadmin token is good any more. */
export async function changeable(sandbox: Sandbox, userName = newName('update')) {
  await onboarded(sandbox, requestFor(userName));
  return withNewPassword(sandbox, userName);
}

/** The same without an onboarding of its own. */
export async function changeableCopy(sandbox: Sandbox, userName = newName('update')) {
  await copied(sandbox, userName);
  return withNewPassword(sandbox, userName);
}

function withNewPassword(sandbox: Sandbox, userName: string) {
  letTokensExpire(sandbox);
  const password = `New-Marker-${userName}-1!`;
  const passwordSecretId = `infinstor/sandbox/input/${userName.toLowerCase()}/new-password`;
  sandbox.secretsManager.createSecret(passwordSecretId, JSON.stringify({ password }));
  return { userName, password, passwordSecretId, emailId: `${userName}@new.example`, before: kept(sandbox, userName) };
}
export type Changeable = Awaited<ReturnType<typeof changeable>>;

/** What a request may change. */
export const changes: Record<string, (subscriber: Changeable) => object> = {
  emailId: ({ userName, emailId }) => ({ subscriber: { userName, emailId } }),
  password: ({ userName, passwordSecretId }) => ({ subscriber: { userName }, passwordSecretId }),
  'emailId, password': ({ userName, emailId, passwordSecretId }) => ({
    subscriber: { userName, emailId },
    passwordSecretId,
  }),
};
export const both = (subscriber: Changeable) => changes['emailId, password']?.(subscriber) ?? {};

export const update = (sandbox: Sandbox, request: object): Promise<Report> =>
  run(sandbox, 'update-subscriber', request);

/** Registry, InfinStor, user pool and secret agree, and hold what was changed and, of the rest, what was there. */
export async function expectUpdated(sandbox: Sandbox, report: Report, subscriber: Changeable, changed: string) {
  const { userName, before } = subscriber;
  expect(report.error).toBeNull();
  expect(report.output).toEqual({ userName, changed: changed.split(', ') });
  const emailId = changed.includes('emailId') ? subscriber.emailId : 'mlops@example.com';
  const isNew = changed.includes('password');
  const password = isNew ? subscriber.password : before.password;
  expect(subscribersNamed(sandbox, userName)[0]?.emailId).toBe(emailId);
  expect(sandbox.cognito.emailOf(userName)).toBe(emailId);
  const { customTokenExpiresAt, ...credentials } = kept(sandbox, userName);
  expect(credentials).toEqual({
    state: 'created',
    password,
    emailId,
    customToken: sandbox.infinstor.customTokenOf(userName),
  });
  expect(await logIn(sandbox, userName, password)).toBe('in');
  expect(await logIn(sandbox, userName, before.password)).toBe(isNew ? 'refused' : 'in');
  const record = await recordOf(sandbox, userName);
  expect(record).toMatchObject({
    status: { S: 'ACTIVE' },
    emailId: { S: emailId },
    executionArn: { S: report.executionArn },
  });
  expect(record?.customTokenExpiresAt?.S).toBe(customTokenExpiresAt);
  expect(record).not.toHaveProperty('lastError');
  expect(record).toHaveProperty('roleArn');
}
