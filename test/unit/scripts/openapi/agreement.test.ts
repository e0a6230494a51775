import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exceptions, isException } from '../../../../scripts/openapi/exceptions.ts';
import { type Judges, judged, judges } from './judges.ts';

const all = Object.entries(judges);

/** Texts at the borders of rules, and names that objects have from birth. */
const texts = [
  ...[
    '',
    'acme',
    'Acme',
    '-acme',
    'acme-',
    'a'.repeat(34),
    'a'.repeat(35),
    'root',
    'eve',
    'bob.1',
    '..',
    'a..b',
    'x\n',
    '\n',
  ],
  ...[
    'constructor',
    '__proto__',
    'aws:x',
    'AW\u017f:x',
    'infinstor-onboarding:x',
    'team',
    'Team',
    'true',
    'false',
    '0',
    '100',
    '101',
  ],
  ...['a@b', 'a@b.', 'ä@b.example', `${'a'.repeat(250)}@b.example`, `${'x'.repeat(128)}`, '\u{10330}'.repeat(100)],
  ...['infinstor/test/input/acme/x', 'infinstor/test/input/acme/../x', 'infinstor/test/input/other/x', 'a/b c'],
  ...['2.3.72', '2', '1.2.3.4.5.6', '1.2.3.4.5.6.7', '111111111111', '222222222222', 'us-east-1', 'mars'],
  ...['arn:aws:kms:us-east-1:111111111111:alias/x', 'arn:aws:kms:us-east-1:111111111111:key/alias/x'],
  ...[
    'arn:aws:kms:us-east-1:111111111111:key/1',
    'arn:aws-cn:kms:cn-north-1:111111111111:key/mrk-0123456789abcdef0123456789abcdef',
  ],
  ...[
    '2026-02-31T00:00Z',
    '2026-13-01T00:00Z',
    '2026-01-01T24:00:00.000Z',
    '2026-01-01T24:01Z',
    '2026-01-01T00:00:60Z',
  ],
  ...['sse-s3', 'aws-owned', 'customer-managed', 'ACTIVE', 'add-user', 'offboard-subscriber', 'é'.repeat(3000)],
];
const text = fc.oneof(fc.constantFrom(...texts), fc.string({ unit: 'binary', maxLength: 40 }));
const value = fc.oneof(
  { weight: 3, arbitrary: text },
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom({}, [], null, 0, true),
);
const names = [
  'subscriber',
  'userName',
  'emailId',
  'password',
  'passwordSecretId',
  'users',
  'stack',
  'tags',
  'keyArn',
  'type',
];
const name = fc.oneof(
  fc.constantFrom(...names, 'request', 'operation', 'confirm', 'colour', 'constructor', '$schema'),
  text,
);

/** A change at some place: 0 puts a value there, 1 takes it away, 2 puts a member or item beside it. */
interface Change {
  way: readonly number[];
  kind: number;
  name: string;
  value: unknown;
}
const change = (of: fc.Arbitrary<unknown>): fc.Arbitrary<Change> =>
  fc.record({ way: fc.array(fc.nat(9), { maxLength: 4 }), kind: fc.nat(2), name, value: of });

/** The same with a change; as text, so that even `__proto__` is a member of it, as it is when it comes in. */
function changed(given: unknown, { way: [first, ...rest], ...what }: Change): unknown {
  const entries = Object.entries(Object(given));
  if (typeof given !== 'object' || given === null || first === undefined || entries.length === 0) {
    return what.kind === 2 && typeof given === 'object' && given !== null ? withMember(given, what) : what.value;
  }
  const [key, member] = entries[first % entries.length] ?? ['', undefined];
  const isLast = rest.length === 0;
  if (isLast && what.kind === 1)
    return remade(
      given,
      entries.filter(([each]) => each !== key),
    );
  const next = isLast && what.kind === 0 ? what.value : changed(member, { way: rest, ...what });
  return remade(
    given,
    entries.map(([each, old]) => [each, each === key ? next : old]),
  );
}

function withMember(given: object, { name: added, value: of }: Pick<Change, 'name' | 'value'>): unknown {
  return remade(given, [...Object.entries(given).filter(([key]) => key !== added), [added, of]]);
}

function remade(given: object, entries: readonly (readonly [string, unknown])[]): unknown {
  if (Array.isArray(given)) return entries.map(([, member]) => member);
  const members = entries.map(([key, member]) => `${JSON.stringify(key)}:${JSON.stringify(member) ?? 'null'}`);
  return JSON.parse(`{${members.join(',')}}`);
}

/** Of parameters only texts change: whoever sends more of them is not refused by a schema, which has each by itself. */
function changedTexts(given: object, changes: readonly Change[]): object {
  const entries = Object.entries(given);
  for (const {
    way: [first = 0],
    kind,
    value: of,
  } of changes) {
    const place = first % Math.max(1, entries.length);
    const [key] = entries[place] ?? [];
    if (key !== undefined)
      entries.splice(place, 1, ...(kind === 1 ? [] : ([[key, String(of)]] satisfies [string, string][])));
  }
  return Object.fromEntries(entries);
}

/** The same with each of the texts at each place, and as a name beside each that is there. */
function* withTexts(given: unknown): Generator<unknown> {
  yield* texts;
  if (typeof given !== 'object' || given === null) return;
  const entries = Object.entries(given);
  for (const [key, member] of entries) {
    for (const other of withTexts(member)) {
      yield remade(
        given,
        entries.map(([each, old]) => [each, each === key ? other : old]),
      );
    }
    if (Array.isArray(given)) continue;
    for (const added of texts) yield withMember(given, { name: added, value: member });
  }
}

/** Of parameters only the values. */
const eachText = ({ valid, isOfTexts }: Judges): unknown[] =>
  valid.flatMap((given) =>
    isOfTexts
      ? Object.keys(given).flatMap((key) => texts.map((each) => ({ ...given, [key]: each })))
      : [...withTexts(given)],
  );

/** What only breaks rules that no schema has may be taken by it. */
function expectAlike(judge: Judges, request: unknown): void {
  const { isTaken, broken } = judged(judge, request);
  const isAlike = broken.length === 0 ? isTaken : !isTaken || broken.every(isException);
  if (!isAlike) expect({ request, isTaken, broken }).toBe('judged alike');
}

const requests = ({ valid, isOfTexts }: Judges): fc.Arbitrary<unknown> =>
  isOfTexts
    ? fc
        .tuple(fc.constantFrom(...valid), fc.array(change(text), { maxLength: 2 }))
        .map(([given, changes]) => changedTexts(given, changes))
    : fc
        .tuple(fc.constantFrom(...valid), fc.array(change(value), { maxLength: 2 }))
        .map(([given, changes]) => changes.reduce<unknown>(changed, given));

describe.each(all)('%s', (_, judge) => {
  it.each(judge.valid.map((given) => [JSON.stringify(given), given]))('is taken by both: %s', (_text, given) => {
    expect(judged(judge, given)).toEqual({ isTaken: true, broken: [] });
  });

  it('is judged alike with each text at the border of a rule, at each place', () => {
    const requestsWithTexts = eachText(judge);
    expect(judge.valid.every((given) => Object.keys(given).length === 0) || requestsWithTexts.length > 0).toBe(true);
    for (const request of requestsWithTexts) expectAlike(judge, request);
  });

  it('is judged by the parser and by the published schema alike, but for the exceptions', () => {
    fc.assert(
      fc.property(requests(judge), (request) => {
        expectAlike(judge, request);
      }),
    );
  });
});

describe('an exception', () => {
  const subscriber = { userName: 'acme', emailId: 'mlops@acme.example' };
  const user = { userName: 'eve', emailId: 'eve@acme.example' };
  const parameters = (length: number, of: string) =>
    Object.fromEntries(Array.from({ length }, (_, place) => [`P${place}`, of]));
  const onboarding = 'the body of onboardSubscriber';
  const stack = (more: object) => ({ subscriber, stack: more });

  /** What breaks one of them alone. */
  const broken: readonly (readonly [rule: string, of: string, request: object])[] = [
    ['must have each userName once', 'the body of addUsers', { users: [user, { ...user, userName: 'EVE' }] }],
    ["must not have the subscriber's own userName", 'the body of addUsers', { users: [{ ...user, userName: 'acme' }] }],
    ['must be the one of the path', 'the body of addUsers', { subscriber: { userName: 'other' }, users: [user] }],
    ['must repeat subscriber.userName', 'the query of offboardSubscriber', { confirm: 'acm' }],
    ['has the keys team and Team', onboarding, stack({ tags: { team: 'a', Team: 'b' } })],
    ['must be at most 4,096 bytes', onboarding, stack({ parameters: { VpcId: 'é'.repeat(3000) } })],
    ['must be at most 256 KiB', onboarding, stack({ parameters: parameters(70, 'x'.repeat(4000)) })],
    ['must be at most 256 characters', onboarding, { subscriber, password: '\u{10330}'.repeat(200) }],
    ['must be a tag key of at most 128 characters', onboarding, stack({ tags: { ['\u{10330}'.repeat(100)]: 'a' } })],
    ['must name a secret below', onboarding, { subscriber, passwordSecretId: 'infinstor/test/input/other/x' }],
    [
      'must not name a password',
      onboarding,
      { subscriber, passwordSecretId: 'infinstor/test/input/acme/api/acme-0000000000000000' },
    ],
    ["must not be the superadmin's", onboarding, { subscriber: { ...subscriber, userName: 'Root' } }],
    ['must be one of 111111111111', onboarding, stack({ accountId: '999999999999' })],
    ['must be one of us-east-1', onboarding, stack({ region: 'mars' })],
    ["is not allowed: the deployment's param", onboarding, stack({ parameters: { Other: 'a' } })],
  ];

  it.each(broken)('is a request that only the parser refuses: %s', (rule, of, request) => {
    const judge = judges[of];
    if (judge === undefined) throw new Error(`Nobody judges ${of}`);
    const { isTaken, broken: rules } = judged(judge, request);
    expect({ isTaken, isAlone: rules.every(isException) }).toEqual({ isTaken: true, isAlone: true });
    expect(rules).toContainEqual(expect.stringContaining(rule));
  });

  it('is listed when a request breaks it alone, and only then', () => {
    const found = broken.flatMap(([, of, request]) => {
      const judge = judges[of];
      return judge === undefined ? [] : judged(judge, request).broken;
    });
    expect(exceptions.filter(({ rule }) => !found.some((each) => rule.test(each)))).toEqual([]);
  });
});
