import fc from 'fast-check';
import { secret } from '../lambda.ts';

const subscriber = { userName: 'acme', emailId: 'mlops@acme.example' };
const said = { requestedBy: 'alice', correlationId: 'build-7' };

/** A right request of each kind, with every part that another value of any type makes wrong. */
export const rightDetails: Readonly<Record<string, object>> = {
  SubscriberRequested: {
    subscriber,
    passwordSecretId: 'infinstor/test/input/acme/password',
    customTokenSecretId: 'infinstor/test/input/acme/token',
    stack: { build: '2.3.72', accountId: '111111111111', region: 'us-east-1', parameters: {}, tags: {} },
    encryption: { artifacts: { type: 'sse-s3' }, tracking: { type: 'aws-owned' } },
    ...said,
  },
  SubscriberUpdateRequested: { subscriber, passwordSecretId: 'infinstor/test/input/acme/password', ...said },
  UsersRequested: {
    subscriber: { userName: 'acme' },
    users: [
      { userName: 'alice', emailId: 'alice@acme.example', passwordSecretId: 'infinstor/test/input/acme/alice' },
      { userName: 'bob', emailId: 'bob@acme.example' },
    ],
    ...said,
  },
  SubscriberOffboardingRequested: { subscriber: { userName: 'acme' }, confirm: 'acme', keepData: true, ...said },
};

type Path = readonly string[];

/** Every place in a value below its root. */
function placesIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const below = Object.entries(value).flatMap(([name, item]) => placesIn(item, [...path, name]));
  return path.length === 0 ? below : [path, ...below];
}

function withValue(target: unknown, [name, ...rest]: Path, value: unknown): unknown {
  if (name === undefined) return value;
  const entries = Object.entries(Object(target));
  const changed = entries.map(([key, item]) => [key, key === name ? withValue(item, rest, value) : item] as const);
  return Array.isArray(target) ? changed.map(([, item]) => item) : Object.fromEntries(changed);
}

const pointerOf = (path: Path) => path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** What no place of a request may hold: nothing has this type. */
const otherType = fc.oneof(
  fc.constant(null),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant([]),
  fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
  fc.dictionary(fc.string({ minLength: 9, maxLength: 12 }), fc.integer(), { minKeys: 1, maxKeys: 3 }),
);
const otherText = fc.constantFrom('', '\u0000', '\u2028'.repeat(20), 'x'.repeat(5000));
/** Nor a text of this form, but where the sender says who asks. */
const refusedText = fc.constantFrom(' ', '-', 'a..b');
const wrongAt = ([first = '']: Path) =>
  first in said ? fc.oneof(otherType, otherText) : fc.oneof(otherType, otherText, refusedText);
const known = ['$schema', ...Object.values(rightDetails).flatMap(Object.keys)];
/** Also names of what every object has. */
const unknownName = fc
  .oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom('constructor', 'toString', '__proto__', 'origin'))
  .filter((name) => !known.includes(name));

/** An event whose request is wrong in one place, or has an unknown field, or both: with the pointers of these. */
export const malformedEvent = fc.constantFrom(...Object.entries(rightDetails)).chain(([detailType, right]) =>
  fc
    .record({
      place: fc.option(
        fc.constantFrom(...placesIn(right)).chain((path) => fc.tuple(fc.constant(path), wrongAt(path))),
        { nil: undefined },
      ),
      unknown: fc.option(unknownName, { nil: undefined }),
    })
    .filter(({ place, unknown }) => place !== undefined || unknown !== undefined)
    .map(({ place, unknown }) => {
      const changed = place === undefined ? right : withValue(right, ...place);
      // By way of JSON, which may also have a `__proto__`.
      const added = unknown === undefined ? '' : `${JSON.stringify(unknown)}:${JSON.stringify(secret('value'))},`;
      const detail: unknown = JSON.parse(`{${added}${JSON.stringify(changed).slice(1)}`);
      const paths = [...(place === undefined ? [] : [place[0]]), ...(unknown === undefined ? [] : [[unknown]])];
      return { detailType, detail, pointers: paths.map(pointerOf) };
    }),
);
