import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executionNameFor, keyArnsOf, operationNamedIn, readRequest, userNameOf } from '../../../cli/request.ts';
import { fixtures } from '../../../sandbox/core/account.ts';

const { artifactsKeyArn, trackingKeyArn } = fixtures;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'request-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('operationNamedIn', () => {
  it.each([
    ['add-user-alice', 'add-user'],
    ['update-email', 'update-subscriber'],
    ['acme', 'onboard-subscriber'],
  ])('reads the $schema of the example %s', async (name, operation) => {
    expect(await operationNamedIn(join(import.meta.dirname, `../../../examples/${name}.json`))).toBe(operation);
  });

  it.each([
    ['another schema', '{"$schema": "https://json-schema.org/draft/2020-12/schema"}'],
    ['none', '{}'],
    ['no JSON', '$schema'],
  ])('knows none of a file with %s', async (name, text) => {
    const path = join(folder, `schema of ${name}.json`);
    await writeFile(path, text);
    expect(await operationNamedIn(path)).toBeUndefined();
  });

  it('knows none of a file that is not there', async () => {
    expect(await operationNamedIn(join(folder, 'nowhere.json'))).toBeUndefined();
  });
});

describe('readRequest', () => {
  it.each([
    ['text', 'hello', 'is not JSON'],
    [
      'a password',
      '{"password": "x", "subscriber": {"userName": "acme", "emailId": "a@b.example"}}',
      'cannot be sent: password: must not be in the request: put it into a secret and refer to it with passwordSecretId',
    ],
    [
      "a subscriber's password",
      '{"subscriber": {"userName": "acme", "emailId": "a@b.example", "password": "x"}}',
      'cannot be sent: subscriber.password: must not be in the request: put it into a secret and refer to it with passwordSecretId',
    ],
    ['an array', '[]', 'is not a JSON object'],
    ['null', 'null', 'is not a JSON object'],
    ['a string', '"acme"', 'is not a JSON object'],
  ])('refuses a file of %s', async (name, text, message) => {
    const path = join(folder, `${name}.json`);
    await writeFile(path, text);
    await expect(readRequest(path, 'onboard-subscriber')).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: `${path} ${message}`,
    });
  });

  it('names all that is wrong, each in a line of its own, fifty at most', async () => {
    const path = join(folder, 'several.json');
    const wrong = { subscriber: { userName: '-' }, passwordSecretId: 7, password: 'x' };
    await writeFile(path, JSON.stringify(wrong));
    const plaintext = 'must not be in the request: put it into a secret and refer to it with passwordSecretId';
    await expect(readRequest(path, 'onboard-subscriber')).rejects.toMatchObject({
      message: [
        `${path} cannot be sent: `,
        `password: ${plaintext}`,
        'subscriber.userName: must be 1 to 34 letters, digits and hyphens, begin with a letter and not end with a hyphen',
        'subscriber.emailId: is required',
        'passwordSecretId: must be a string',
      ].join('\n'),
      errors: [
        { pointer: '/password', rule: plaintext },
        { pointer: '/subscriber/userName', rule: expect.any(String) },
        { pointer: '/subscriber/emailId', rule: 'is required' },
        { pointer: '/passwordSecretId', rule: 'must be a string' },
      ],
    });
    await writeFile(path, JSON.stringify(Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`x${n}`, 1]))));
    await expect(readRequest(path, 'onboard-subscriber')).rejects.toThrow(/x48: is not a known field\nand 11 more$/);
  });

  it('refuses a file that does not exist', async () => {
    const path = join(folder, 'none.json');
    await expect(readRequest(path, 'onboard-subscriber')).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: `${path} does not exist`,
    });
  });

  it.each([
    [
      'onboard-subscriber',
      'acme.json',
      '; `retry acme` sends the latest request of that subscriber again if it failed',
    ],
    ['update-subscriber', 'update-email.json', ''],
    ['upgrade-subscriber', 'upgrade-encryption.json', ''],
    ['add-user', 'add-user-alice.json', ''],
    ['offboard-subscriber', 'offboard-acme.json', ''],
  ] as const)(
    'says of a name in place of a file what %s takes, and what takes a name',
    async (operation, example, more) => {
      const path = join(folder, 'acme');
      await expect(readRequest(path, operation)).rejects.toMatchObject({
        name: 'InvalidRequest',
        message: `${path} does not exist: what is named must be a file with a request in JSON, not a subscriber`,
        remedy: `Write the request into a file, of which examples/${example} is an example and docs/using.md has all fields, and name that file; \`status acme\` shows how a subscriber of that name stands${more}. Nothing was started.`,
      });
      expect(await readdir(join(import.meta.dirname, '../../../examples'))).toContain(example);
    },
  );

  it('refuses a folder', async () => {
    await expect(readRequest(folder, 'onboard-subscriber')).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: `${folder} cannot be read: EISDIR`,
    });
  });

  it('says where JSON is broken without quoting it', async () => {
    const path = join(folder, 'broken.json');
    await writeFile(path, '{\n  "password": "hunter2",\n}');
    const error = await readRequest(path, 'onboard-subscriber').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: `${path} is not JSON (line 3 column 1)` });
  });

  it('does not quote a file whose beginning is not JSON', async () => {
    const path = join(folder, 'password.json');
    await writeFile(path, 'hunter2');
    await expect(readRequest(path, 'onboard-subscriber')).rejects.toMatchObject({ message: `${path} is not JSON` });
  });
});

describe('the secrets of a request', () => {
  const subscriber = { userName: 'Mallory', emailId: 'm@mallory.example' };
  const user = { userName: 'eve', emailId: 'e@mallory.example' };

  it.each([
    ['outside of input/', 'onboard-subscriber', { passwordSecretId: 'infinstor/sandbox/superadmin' }],
    ["of somebody else's", 'onboard-subscriber', { customTokenSecretId: 'infinstor/sandbox/input/acme/token' }],
    ['of another stage', 'onboard-subscriber', { passwordSecretId: 'infinstor/dev/input/mallory/password' }],
    ['in an update', 'update-subscriber', { passwordSecretId: 'password' }],
    ['of a user', 'add-user', { users: [{ ...user, passwordSecretId: 'infinstor/sandbox/subscribers/acme/x' }] }],
  ] as const)('%s are refused with the place where they must be in a sandbox', async (name, operation, fields) => {
    const path = join(folder, `secrets ${operation} ${name.replaceAll('/', '')}.json`);
    const named = operation === 'onboard-subscriber' ? subscriber : { userName: subscriber.userName };
    await writeFile(path, JSON.stringify({ subscriber: named, ...fields }));
    await expect(readRequest(path, operation)).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('must name a secret below infinstor/sandbox/input/mallory/,'),
    });
  });

  it('of its own subscriber are sent', async () => {
    const path = join(folder, 'own-secrets.json');
    const request = { subscriber, passwordSecretId: 'infinstor/sandbox/input/mallory/password' };
    await writeFile(path, JSON.stringify(request));
    expect(await readRequest(path, 'onboard-subscriber')).toEqual(request);
  });

  it('are those of the stage that the request is for', async () => {
    const path = join(folder, 'secrets-of-dev.json');
    const request = { subscriber, passwordSecretId: 'infinstor/dev/input/mallory/password' };
    await writeFile(path, JSON.stringify(request));
    expect(await readRequest(path, 'onboard-subscriber', 'dev')).toEqual(request);
    await expect(readRequest(path, 'onboard-subscriber', 'prod')).rejects.toThrow(
      'below infinstor/prod/input/mallory/',
    );
  });
});

describe('keyArnsOf', () => {
  it.each([
    [
      'both keys',
      { artifacts: { keyArn: artifactsKeyArn }, tracking: { keyArn: trackingKeyArn } },
      [artifactsKeyArn, trackingKeyArn],
    ],
    [
      'one key for both once',
      { artifacts: { keyArn: artifactsKeyArn }, tracking: { keyArn: artifactsKeyArn } },
      [artifactsKeyArn],
    ],
    ['one store alone', { tracking: { keyArn: trackingKeyArn } }, [trackingKeyArn]],
    ['no alias', { artifacts: { keyArn: 'arn:aws:kms:us-east-1:111111111111:alias/mine' } }, []],
    ['no number', { artifacts: { keyArn: 7 } }, []],
    ['nothing of no object', 'sse-s3', []],
  ])('finds %s', (_, encryption, expected) => {
    expect(keyArnsOf({ encryption })).toEqual(expected);
  });
});

describe('executionNameFor', () => {
  it.each([
    ['a subscriber', { subscriber: { userName: 'acme' } }, /^acme-[0-9a-z]+$/],
    ['characters that Step Functions refuses', { subscriber: { userName: 'a b/ü' } }, /^a-b---[0-9a-z]+$/],
    ['an empty name', { subscriber: { userName: '' } }, /^request-[0-9a-z]+$/],
    ['no subscriber', {}, /^request-[0-9a-z]+$/],
    ['a long name', { subscriber: { userName: 'x'.repeat(300) } }, /^x{60}-[0-9a-z]{1,19}$/],
  ])('names an execution for %s', (_, request, expected) => {
    expect(executionNameFor(request)).toMatch(expected);
  });

  it('gives a new name each time', () => {
    const request = { subscriber: { userName: 'acme' } };
    expect(executionNameFor(request)).not.toBe(executionNameFor(request));
  });
});

describe('examples', () => {
  it('name a subscriber each, all different', async () => {
    const examples = join(import.meta.dirname, '../../..', 'examples');
    // The others are for the other machines, or events.
    const files = (await readdir(examples)).filter(
      (file) => !/^(update|upgrade|add-user|offboard)-|^(events|pipelines)$/.test(file),
    );
    const userNames = await Promise.all(
      files.map(async (file) => userNameOf(await readRequest(join(examples, file), 'onboard-subscriber'))),
    );
    expect(files.length).toBeGreaterThanOrEqual(7);
    expect(userNames).not.toContain(undefined);
    expect(new Set(userNames).size).toBe(files.length);
  });

  it('onboard acme on the two customer managed keys by default', async () => {
    const request = await readRequest(
      join(import.meta.dirname, '../../..', 'examples', 'acme.json'),
      'onboard-subscriber',
    );
    expect(keyArnsOf(request)).toEqual([artifactsKeyArn, trackingKeyArn]);
  });
});
