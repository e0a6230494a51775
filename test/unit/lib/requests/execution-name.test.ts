import { describe, expect, it } from 'vitest';
import { apiPasswordSecretId, executionOfApiPassword, isApiPasswordOf } from '../../../../lib/requests/api-password.ts';
import {
  apiExecutionName,
  isKeyedExecutionName,
  keyedExecutionName,
  subscriberOfApiExecution,
} from '../../../../lib/requests/execution-name.ts';

const session = (name: string, role = 'pipeline') => `arn:aws:sts::111111111111:assumed-role/${role}/${name}`;
const asked = { caller: session('build-1'), route: 'POST /subscribers', key: 'order-7' };
const name = keyedExecutionName(asked);
const inputPrefix = 'infinstor/test/input/';

describe('the name of an execution with an idempotency key', () => {
  it('is the same for all sessions of a role, and depends on nothing else than caller, route and key', () => {
    expect(keyedExecutionName({ ...asked, caller: session('build-2') })).toBe(name);
    const others = [
      { ...asked, caller: session('build-1', 'other') },
      { ...asked, caller: 'arn:aws:iam::111111111111:user/pipeline' },
      { ...asked, caller: 'arn:aws:iam::111111111111:user/pipeline-2' },
      { ...asked, route: 'DELETE /subscribers/{userName}' },
      { ...asked, key: 'order-8' },
    ].map(keyedExecutionName);
    expect(new Set([name, ...others]).size).toBe(6);
  });

  it('is one that Step Functions takes, and none of a request without a key', () => {
    expect(name).toMatch(/^[\w-]{1,80}$/);
    expect([isKeyedExecutionName(name), subscriberOfApiExecution(name)]).toEqual([true, undefined]);
    for (const userName of ['key', 'acme', 'key-0123456789abcdef']) {
      expect(isKeyedExecutionName(apiExecutionName(userName, new Date('2026-01-31')))).toBe(false);
    }
  });

  it("names a password in the subscriber's own folder, and no other", () => {
    const own = apiPasswordSecretId(inputPrefix, 'Acme', name);
    expect(own).toBe(`${inputPrefix}acme/api/${name}`);
    const isOwn = (secretId: string) =>
      isApiPasswordOf(inputPrefix, { userName: 'Acme', executionName: name }, secretId);
    const others = [`${inputPrefix}victim/api/${name}`, `${inputPrefix}api/${name}`, `${own}0`];
    expect([own, ...others].map(isOwn)).toEqual([true, false, false, false]);
    expect([own, ...others].map((id) => executionOfApiPassword(inputPrefix, id))).toEqual([
      name,
      name,
      undefined,
      undefined,
    ]);
  });
});
