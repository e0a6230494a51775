import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../../../lib/refusals.ts';
import { checkOffboardingRequest } from '../../../../lib/requests/offboarding.ts';
import { parseRequest } from '../../../../lib/requests/onboarding.ts';
import { checkUpdateRequest } from '../../../../lib/requests/update.ts';
import { checkUsersRequest } from '../../../../lib/requests/users.ts';
import { requestRules } from '../../functions/plan.ts';

const secrets = { inputSecretPrefix: 'infinstor/test/input/' };
const marker = 'Marked-1';

/** Something wrong: the value that stands at a place instead; undefined: nothing does. And the faults that come of it, by pointer and rule. */
interface Injection {
  at: readonly string[];
  value: unknown;
  faults: readonly (readonly [pointer: string, rule: string])[];
}
const at = (path: string, value: unknown, rule: string, pointer = `/${path.replaceAll('.', '/')}`): Injection => ({
  at: path.split('.'),
  value,
  faults: [[pointer, rule]],
});

const unknown = 'is not a known field';
const isRequired = 'is required';
const foreign = 'must name a secret below infinstor/test/input/acme/';
const notListed = 'is not allowed';
const keyRule = 'must be the ARN of a KMS key';
const elsewhere = 'infinstor/test/input/victim/x';
const plaintext = 'must not be in the request';
const unknowns = ['colour', '$ref', 'x/y~z', 'constructor', 'toString', ''].map(
  (name): Injection => ({
    at: [name],
    value: marker,
    faults: [[`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, unknown]],
  }),
);
const numberAt = (path: string) => at(path, 7, 'must be a string');

/** What can be wrong with a request at one place, by the place: of each place at most one is chosen, so that the faults are independent. */
interface Door {
  request: object;
  check: (request: unknown) => unknown;
  places: readonly (readonly Injection[])[];
}

const doors: Record<string, Door> = {
  'an onboarding': {
    request: {
      subscriber: { userName: 'acme', emailId: 'mlops@acme.example' },
      stack: {
        build: '2.3.72',
        accountId: '222222222222',
        region: 'eu-west-1',
        parameters: { A: 'a' },
        tags: { t: 'x' },
      },
      encryption: { artifacts: { type: 'sse-s3' }, tracking: { type: 'aws-owned' } },
    },
    check: (request) =>
      parseRequest(request, { ...requestRules, allowedStackParameters: ['A', 'C', 'D'], allowedTagKeys: ['t', 'T'] }),
    places: [
      ...unknowns.map((each) => [each]),
      [
        at('subscriber.emailId', undefined, isRequired),
        numberAt('subscriber.emailId'),
        at('subscriber.emailId', marker, 'must be an e-mail'),
      ],
      [at('subscriber.userName', 'ROOT', "must not be the superadmin's")],
      [at('subscriber.role', marker, unknown), at('subscriber.password', marker, plaintext)],
      [at('password', marker, plaintext)],
      [at('passwordSecretId', elsewhere, 'must name a secret below'), numberAt('passwordSecretId')],
      [at('customTokenSecretId', 'a..b', 'must not contain'), numberAt('customTokenSecretId')],
      [at('stack.build', marker, 'must be digits and dots'), numberAt('stack.build')],
      [at('stack.region', 'us-east-1', 'must be one of eu-west-1 in account'), numberAt('stack.region')],
      [at('stack.other', marker, unknown)],
      [at('stack.parameters.B', marker, notListed)],
      [numberAt('stack.parameters.C')],
      [at('stack.parameters.a-b', marker, 'must be the name of a template parameter')],
      [at('stack.parameters.__proto__', marker, unknown)],
      [at('stack.tags.cost', 'x', notListed)],
      [at('stack.tags.t', '', 'must be 1 to 256'), numberAt('stack.tags.t')],
      [at('stack.tags.T', 'y', 'has the keys t and T', '/stack/tags')],
      [at('stack.tags.aws:x', 'x', 'must not begin with aws:')],
      [at('stack.tags.constructor', 'x', unknown)],
      [at('encryption.artifacts.type', 'none', 'must be one of '), at('encryption.artifacts.keyArn', marker, unknown)],
      [
        at('encryption.tracking', { type: 'customer-managed' }, isRequired, '/encryption/tracking/keyArn'),
        at(
          'encryption.tracking',
          { type: 'customer-managed', keyArn: 'alias/x' },
          keyRule,
          '/encryption/tracking/keyArn',
        ),
      ],
      [at('encryption.other', marker, unknown)],
    ],
  },
  'an update': {
    request: {
      subscriber: { userName: 'acme', emailId: 'a@b.example' },
      passwordSecretId: 'infinstor/test/input/acme/p',
    },
    check: (request) => checkUpdateRequest(request, secrets),
    places: [
      ...unknowns.map((each) => [each]),
      [numberAt('subscriber.emailId')],
      [at('subscriber.role', marker, unknown)],
      [at('passwordSecretId', elsewhere, foreign), numberAt('passwordSecretId')],
      [at('password', marker, plaintext)],
    ],
  },
  'added users': {
    request: {
      subscriber: { userName: 'acme' },
      users: Object.fromEntries(['0', '1', '2'].map((n) => [n, { userName: `u${n}`, emailId: 'a@b.example' }])),
    },
    check: (request) => {
      const { users, ...others } = Object(request);
      return checkUsersRequest({ ...others, users: Object.values(users) }, { ...secrets, superadminUserName: 'root' });
    },
    places: [
      ...unknowns.map((each) => [each]),
      [
        at('users.0.userName', 'Root', "must not be the superadmin's"),
        at('users.0.userName', '..', 'must be 1 to 128'),
      ],
      [
        at('users.1.userName', 'ACME', "must not have the subscriber's own", '/users'),
        at('users.1.userName', undefined, isRequired),
      ],
      [numberAt('users.2.emailId'), at('users.2.emailId', undefined, isRequired)],
      [at('users.1.passwordSecretId', elsewhere, foreign)],
      [at('users.3', { userName: 'U2', emailId: 'a@b.example' }, 'must have each userName once', '/users')],
      [at('users.2.passwordSecretId', 'infinstor/test/superadmin', foreign), numberAt('users.2.passwordSecretId')],
      [at('users.0.password', marker, plaintext), at('users.0.colour', marker, unknown)],
    ],
  },
  'an offboarding': {
    request: { subscriber: { userName: 'acme' }, confirm: 'acme', keepData: true },
    check: checkOffboardingRequest,
    places: [
      ...unknowns.map((each) => [each]),
      [at('subscriber.role', marker, unknown)],
      [at('confirm', 'other', 'must repeat'), at('confirm', undefined, isRequired), numberAt('confirm')],
      [at('keepData', 'no', 'must be true or false')],
    ],
  },
};

/** The request with what is wrong at these places. */
function injected(request: object, injections: readonly Injection[]): object {
  const wrong = structuredClone(request);
  for (const { at: path, value } of injections) {
    const holder = path.slice(0, -1).reduce<object>((parent, name) => Object(Reflect.get(parent, name)), wrong);
    const name = path.at(-1) ?? '';
    if (value === undefined) Reflect.deleteProperty(holder, name);
    // Not set, because the name may be that of the prototype.
    else Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return wrong;
}

const some = (places: Door['places']) =>
  fc
    .tuple(...places.map((place) => fc.option(fc.constantFrom(...place), { nil: undefined })))
    .map((chosen) => chosen.filter((each) => each !== undefined));

describe.each(Object.entries(doors))('of a request for %s', (_, { request, check, places }) => {
  it('nothing is refused when nothing is wrong', () => {
    expect(faultsOf(() => check(request))).toEqual([]);
  });

  it('all that is wrong at several places is reported at once, and nothing else, without a value', () => {
    fc.assert(
      fc.property(some(places), (injections) => {
        const found = faultsOf(() => check(injected(request, injections)));
        const expected = injections.flatMap(({ faults }) => faults);
        expect(found.map(({ pointer }) => pointer).sort()).toEqual(expected.map(([pointer]) => pointer).sort());
        for (const [pointer, rule] of expected) {
          expect(found.filter((fault) => fault.pointer === pointer && fault.rule.startsWith(rule))).toHaveLength(1);
        }
        expect(JSON.stringify(found)).not.toContain(marker);
      }),
    );
  });

  it.each(places.flat().map((injection) => [injection.at.join('.'), injection]))(
    'what is wrong at %s is reported',
    (_where, injection) => {
      const found = faultsOf(() => check(injected(request, [injection])));
      const start = ({ pointer, rule }: { pointer: string; rule: string }, index: number) => [
        pointer,
        rule.slice(0, injection.faults[index]?.[1].length),
      ];
      expect(found.map(start)).toEqual(injection.faults);
    },
  );
});

it('a request that is wrong as a whole has one fault', () => {
  for (const { check } of Object.values(doors).filter(({ request }) => !('users' in request))) {
    for (const whole of [null, [], 'acme', 7]) {
      expect(faultsOf(() => check(whole))).toEqual([{ field: 'request', pointer: '', rule: 'must be an object' }]);
    }
  }
});

it('a list of too many users is refused beside what is wrong with one of them', () => {
  const users = Array.from({ length: 26 }, (_, n) => ({ userName: `u${n}`, emailId: n === 3 ? 7 : 'a@b.example' }));
  expect(faultsOf(() => checkUsersRequest({ subscriber: { userName: 'acme' }, users }, secrets))).toMatchObject([
    { pointer: '/users/3/emailId' },
    { pointer: '/users', rule: 'must have 1 to 25 users' },
  ]);
});

it('too many tags are refused beside what is wrong with one of them', () => {
  const tags = Object.fromEntries(Array.from({ length: 48 }, (_, n) => [`t${n}`, n === 3 ? 7 : 'x']));
  const request = { subscriber: { userName: 'acme', emailId: 'a@b.example' }, stack: { tags } };
  const rules = { ...requestRules, allowedTagKeys: Object.keys(tags) };
  expect(faultsOf(() => parseRequest(request, rules))).toMatchObject([
    { pointer: '/stack/tags/t3' },
    { pointer: '/stack/tags', rule: 'must be at most 47 tags' },
  ]);
});
