import { describe, expect, it } from 'vitest';
import { apiExecutionName } from '../../../../lib/requests/execution-name.ts';
import { checkRequest } from '../../../../lib/requests/onboarding.ts';
import { checkUpdateRequest } from '../../../../lib/requests/update.ts';
import { checkUsersRequest } from '../../../../lib/requests/users.ts';

const inputSecretPrefix = 'infinstor/test/input/';
const now = new Date('2026-01-31T12:00:00.000Z');
const executionName = apiExecutionName('Acme', now);
const emailId = 'mlops@acme.example';

/** The parsers of the requests that may name secrets, by the field that names one. */
const doors: Record<string, (userName: string, secretId: string, executionName?: string) => unknown> = {
  'the password of an onboarding': (userName, passwordSecretId, name) =>
    checkRequest({ subscriber: { userName, emailId }, passwordSecretId }, { inputSecretPrefix, executionName: name }),
  'the custom token of an onboarding': (userName, customTokenSecretId, name) =>
    checkRequest(
      { subscriber: { userName, emailId }, customTokenSecretId },
      { inputSecretPrefix, executionName: name },
    ),
  'the password of an update': (userName, passwordSecretId, name) =>
    checkUpdateRequest({ subscriber: { userName }, passwordSecretId }, { inputSecretPrefix, executionName: name }),
  "a user's password": (userName, passwordSecretId, name) =>
    checkUsersRequest(
      {
        subscriber: { userName },
        users: [
          { userName: 'bob', emailId },
          { userName: 'eve', emailId, passwordSecretId },
        ],
      },
      { inputSecretPrefix, executionName: name },
    ),
};
const onboardingsPassword = 'the password of an onboarding';
const refusal = (rule: string) =>
  expect.objectContaining({ name: 'InvalidRequest', message: expect.stringContaining(rule) });

describe.each(Object.entries(doors))('%s', (name, check) => {
  it("may be any secret in the subscriber's folder, whose name is in lower case", () => {
    for (const secret of ['a', 'a/b', 'api', 'apis/a', 'API-1']) {
      expect(() => check('Acme', `${inputSecretPrefix}acme/${secret}`)).not.toThrow();
    }
  });

  it.each([
    ["another subscriber's", `${inputSecretPrefix}victim/password`],
    ['flat, as in older releases', `${inputSecretPrefix}acme-password`],
    ["flat, with the subscriber's name", `${inputSecretPrefix}acme`],
    ['the folder', `${inputSecretPrefix}acme/`],
    ['in the folder of a name that begins so', `${inputSecretPrefix}acme-2/password`],
    ['in a folder in upper case', `${inputSecretPrefix}Acme/password`],
    ["another stage's", 'infinstor/prod/input/acme/password'],
    ["of the subscriber's credentials", 'infinstor/test/subscribers/acme/credentials'],
    ["the superadmin's", 'infinstor/test/superadmin'],
  ])('is refused when it is %s, with the place to put it', (_, secretId) => {
    expect(() => check('Acme', secretId, executionName)).toThrow(refusal(`below ${inputSecretPrefix}acme/,`));
  });

  it('is refused when the HTTP API wrote it, but for its own execution', () => {
    const own = `${inputSecretPrefix}acme/api/${executionName}`;
    // Releases up to 0.1.0 wrote it here, and a redrive of theirs has it in its input.
    const older = `${inputSecretPrefix}api/${executionName}`;
    for (const secretId of [own, older]) {
      for (const execution of [undefined, 'acme-1', `${executionName}0`]) {
        expect(() => check('Acme', secretId, execution)).toThrow(refusal('came through the HTTP API'));
      }
      if (name === onboardingsPassword) expect(() => check('Acme', secretId, executionName)).not.toThrow();
      else expect(() => check('Acme', secretId, executionName)).toThrow(refusal('came through the HTTP API'));
    }
    const victims = apiExecutionName('victim', now);
    for (const secretId of [`${inputSecretPrefix}victim/api/${victims}`, `${inputSecretPrefix}api/${victims}`]) {
      expect(() => check('Acme', secretId, victims)).toThrow(refusal('came through the HTTP API'));
    }
    for (const secretId of [`${inputSecretPrefix}acme/api/`, `${inputSecretPrefix}acme/api/mine`]) {
      expect(() => check('Acme', secretId, 'mine')).toThrow(refusal('came through the HTTP API'));
    }
  });

  it('is refused when a subscriber api names what older releases stored of anybody', () => {
    expect(() => check('api', `${inputSecretPrefix}api/${executionName}`)).toThrow(
      refusal('came through the HTTP API'),
    );
    expect(() => check('api', `${inputSecretPrefix}api/password`)).not.toThrow();
  });
});
