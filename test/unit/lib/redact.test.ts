import { globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { know, redact, redactingReplacer, redactOpaque, withKnownSecrets } from '../../../lib/redact.ts';
import { isWhole } from '../../scope.ts';

const uuid = '11111111-1111-4111-8111-111111111111';
const jwt = `eyJraWQiOiJhYmMifQ.${'eyJz-dWIi_OiIx'.repeat(4)}.${'sig-_9'.repeat(9)}`;
const refreshToken = `eyJjdHkiOiJKV1QifQ.${'key_-1'.repeat(57)}.aB3-_xYz.${'text-1'.repeat(120)}.tag-_9AbCdEf`;
const urlsafe = 'aB3-_'.repeat(68);

describe('a text', () => {
  it.each([
    ['a JWT', jwt, '<token>'],
    ['a refresh token, which has five parts', refreshToken, '<token>'],
    ['a custom token', `Custom ${uuid}:${urlsafe}==`, '<custom token>'],
    ['a custom token of any length', `Custom ${uuid}:x`, '<custom token>'],
    ['a custom token in a URL', `Custom%20${uuid}%3A${urlsafe}%3D%3D`, '<custom token>'],
    ['a custom token as people are handed it', `${uuid}:${urlsafe}==`, '<custom token>'],
    ['the second half of a custom token', `${urlsafe}==`, '<redacted>'],
    ['what is in an authorization', `Bearer ${'aB3+/'.repeat(8)}==`, 'Bearer <redacted>'],
    ['a session token of AWS', `IQoJb3JpZ2luX2VjE${'aB3+/'.repeat(80)}=`, '<redacted>'],
    ['a secret access key', `SecretAccessKey: ${'aB3+/'.repeat(8)}`, 'SecretAccessKey: <redacted>'],
    [
      'the signature of a URL',
      `https://a/b?X-Amz-Signature=${'a1'.repeat(32)}`,
      'https://a/b?X-Amz-Signature=<redacted>',
    ],
  ])('loses %s, and nothing around it', (_name, secret, replacement) => {
    expect(redact(`one "${secret}", two (${secret}). ${secret}`)).toBe(
      `one "${replacement}", two (${replacement}). ${replacement}`,
    );
    expect(redact(JSON.stringify(`a\n${secret}`))).toBe(JSON.stringify(`a\n${replacement}`));
  });

  it.each([
    'Custom resource failed: see the log',
    'User: arn:aws:sts::111111111111:assumed-role/infinstor-onboarding-production-detect-key-policy-drift-eu-central-1/infinstor-onboarding-production-detect-key-policy-drift is not authorized to perform: kms:PutKeyPolicy',
    'See the details in CloudWatch Log Stream: 2026/11/30/[$LATEST]0123456789abcdef0123456789abcdef',
  ])('keeps %s', (text) => {
    expect(redact(text)).toBe(text);
    expect(redactOpaque(text)).toBe(text);
  });
});

const inJson = (text: string) => JSON.stringify(text).slice(1, -1);
/** As Python's json.dumps writes it. */
const inAscii = (text: string) =>
  inJson(text).replace(/[^\0-\x7f]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
const inForm = (text: string) => new URLSearchParams({ a: text }).toString().slice(2);
const inLowerCase = (text: string) => text.replace(/%../g, (byte) => byte.toLowerCase());
const inHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll("'", '&#39;');
const writings = [(text: string) => text, inJson, inAscii, encodeURIComponent, inForm, inHtml];

describe('a secret that a run knows', () => {
  const password = `Aa1"\\ /&é+${'x'.repeat(3)}`;

  it.each([
    ['as it is', password],
    ['in JSON', inJson(password)],
    ['in JSON within JSON', inJson(inJson(password))],
    ['in JSON of ASCII alone', inAscii(password)],
    ['in JSON with its slashes escaped', inJson(password).replaceAll('/', '\\/')],
    ['in a URL', encodeURIComponent(password)],
    ['in a URL with small digits', inLowerCase(encodeURIComponent(password))],
    ['in a URL that is strict', inForm(password).replaceAll('+', '%20')],
    ['in a form', inForm(password)],
    ['in JSON in a form', inForm(inJson(password))],
    ['in a URL within a URL', encodeURIComponent(encodeURIComponent(password))],
    ['in HTML', inHtml(password)],
    ['in HTML with numbers', password.replace(/["\\ &é+/]/g, (sign) => `&#x${sign.charCodeAt(0).toString(16)};`)],
    ['in JSON in HTML', inHtml(inJson(password))],
  ])('is gone from its texts, %s', (_, writing) => {
    withKnownSecrets(() => {
      know(password);
      expect(redact(`a ${writing} b ${writing}`)).toBe('a <redacted> b <redacted>');
    });
  });

  it('is found in no time, also where it is all of signs that are escaped', () => {
    withKnownSecrets(() => {
      know('\\'.repeat(40));
      know('"\\'.repeat(20));
      expect(redact(`"${'\\'.repeat(30)}`)).toBe(`"${'\\'.repeat(30)}`);
      expect(redact(`${'\\"'.repeat(2000)}x`)).toMatch(/x$/);
    });
  });

  it('is gone as a whole when a part of it is known, too, or has the shape of a secret', () => {
    withKnownSecrets(() => {
      know('part-1');
      know('a part-1 of it');
      know(`Pw!${jwt}`);
      expect(redact(`(a part-1 of it) part-1 Pw!${jwt}`)).toBe('(<redacted>) <redacted> <redacted>');
    });
  });

  it('is gone without the first part of a custom token', () => {
    withKnownSecrets(() => {
      know(`Custom ${uuid}:${'aB3-_'.repeat(8)}`);
      expect(redact(`no: ${'aB3-_'.repeat(8)}`)).toBe('no: <redacted>');
      expect(redact(`no: Custom ${uuid}:${'aB3-_'.repeat(8)}`)).toBe('no: <custom token>');
    });
  });

  it('is not known to another run, nor after it', async () => {
    const first = withKnownSecrets(async () => {
      know('the-first-1');
      await Promise.resolve();
      return redact('the-first-1 the-second-2');
    });
    const second = withKnownSecrets(() => {
      know('the-second-2');
      return redact('the-first-1 the-second-2');
    });
    expect([await first, second]).toEqual(['<redacted> the-second-2', 'the-first-1 <redacted>']);
    know('the-third-3');
    expect(redact('the-first-1 the-third-3')).toBe('the-first-1 the-third-3');
  });

  it('is no secret when it is so short that it could stand anywhere', () => {
    withKnownSecrets(() => {
      for (const short of ['', 'a', 'acme1']) know(short);
      expect(redact('a acme1')).toBe('a acme1');
    });
  });
});

const arn = (service: string, resource: string, region = 'eu-central-1', account = '111111111111') =>
  `arn:aws:${service}:${region}:${account}:${resource}`;
const long = (length: number) => 'infinstor-Onboarding_production2-'.repeat(16).slice(0, length);

/** Names as long as AWS takes them. */
const arns = [
  arn('apigateway', '/apis/a1b2c3d4e5/routes/abc123', 'us-east-1', ''),
  arn('cloudformation', `stack/${long(128)}/${uuid}`),
  arn('cognito-idp', 'userpool/us-east-1_AbCdEf123'),
  arn('dynamodb', `table/${long(255)}/index/${long(255)}`),
  arn('events', `event-bus/${long(256)}`),
  arn('events', `rule/${long(128)}/${long(64)}`),
  arn('execute-api', 'a1b2c3d4e5/$default/POST/subscribers'),
  arn('iam', `role/${long(200)}/RoleForInfinStorMlflowService-${'a1'.repeat(17)}`, ''),
  arn('kms', `key/${uuid}`),
  arn('kms', 'key/mrk-1234abcd12ab34cd56ef1234567890ab'),
  arn('lambda', `function:${long(64)}:12`),
  arn('logs', `log-group:/aws/lambda/${long(64)}:log-stream:2026/11/30/[$LATEST]0123456789abcdef0123456789abcdef`),
  arn('s3', `infinstor-templates-111111111111/${'0123456789abcdef'.repeat(4)}/infinstor-setup-customer.yaml`, '', ''),
  arn('secretsmanager', `secret:infinstor/production/subscribers/${'a1'.repeat(17)}/credentials-AbC1d2`),
  arn('sns', `${long(255)}`),
  arn('sqs', `${long(80)}`),
  arn('servicequotas', 's3/L-DC2B2D3D'),
  arn('states', `execution:${long(80)}:${long(43)}-${uuid}`),
  arn('states', `express:${long(80)}:${uuid}:${uuid}`),
  arn('sts', `assumed-role/${long(64)}/${long(64)}`, ''),
  arn('cloudtrail', `trail/${long(128)}`),
  arn('xray', 'group/default'),
];

const otherNames = [
  uuid,
  'AROA1234567890EXAMPLE',
  'AKIAIOSFODNN7EXAMPLE',
  '4sandbox0cli0client0000000',
  'RoleForInfinStorMlflowService-acme2',
  'infinstor-subscriber-dev-acme-infinstorartifacts-1x2y3z4a5b6c7',
  'infinstor-subscriber-dev-acme-SetupFunctionRole-AbC1dE2fG3h4',
  '2026/11/30/[$LATEST]0123456789abcdef0123456789abcdef',
  'https://s3.amazonaws.com/infinstorcft/2.3.72/infinstor-setup-customer.yaml',
  '0123456789abcdef'.repeat(4),
  'mlops@acme.example',
  'Incorrect username or password.',
  'NotAuthorizedException',
  'é "quoted" \\ {"status":"FAILED","n":1}',
];

it('the names of these tests are of every service that the deployment names in an ARN', () => {
  const files = globSync(['functions/*/*.yml', '{deployment,stages}/*.{yml,yaml}', 'serverless.yml']);
  const named = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/arn:\$\{AWS::Partition\}:([a-z0-9-]+):/g)].map(([, service]) => service),
  );
  expect(named.length).toBeGreaterThan(20);
  const tried = new Set(arns.map((name) => name.split(':')[2]));
  expect([...new Set(named)].filter((service) => !tried.has(service))).toEqual([]);
});

it.each([...arns, ...otherNames])('%s stays whole, also beside an opaque word', (name) => {
  expect(redact(`a ${name}, b`)).toBe(`a ${name}, b`);
  const opaque = 'aB3xYz9Qw7Er5Ty1Ui0Op2As4Df6Gh8J';
  expect(redactOpaque(`a ${name} ${opaque} ${name}`)).toBe(`a ${name} <redacted> ${name}`);
});

describe('in generated texts', () => {
  const word = (alphabet: string, min: number, max: number) =>
    fc.string({ unit: fc.constantFrom(...alphabet), minLength: min, maxLength: max });
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const base64url = (min: number, max = min) => word(`${letters}-_`, min, max);
  const base64 = (min: number, max = min) => word(`${letters}+/`, min, max);

  /** A piece of a text, what stands in its place, and what the run knows of it. */
  interface Piece {
    text: string;
    left: string;
    known?: string;
  }
  const shaped = (left: string) => (text: string) => ({ text, left });
  const written = (secret: string, left = '<redacted>') =>
    fc.constantFrom(...writings).map((write) => ({ text: write(secret), left, known: secret }));

  const secrets: fc.Arbitrary<Piece> = fc.oneof(
    // Passwords as the deployment makes them, and as people do.
    word(`${letters}!#%+-=?@_"\\&é `, 12, 40)
      .filter((password) => password.trim() === password)
      .chain((password) => written(password)),
    // Custom tokens of whatever shape, and sessions whose tokens are not Cognito's.
    base64url(40).chain((token) => written(token)),
    base64(64, 400).chain((token) => written(token)),
    base64url(342).map((token) => ({ ...shaped('<custom token>')(`Custom ${uuid}:${token}==`) })),
    base64url(342).map((token) => ({ ...shaped('<custom token>')(`${uuid}:${token}`) })),
    fc
      .tuple(base64url(9, 60), base64url(20, 600), base64url(43))
      .map((parts) => shaped('<token>')(`eyJ${parts.join('.')}`)),
    fc
      .tuple(base64url(20, 60), base64url(342), base64url(16), base64url(20, 900), base64url(22))
      .map((parts) => shaped('<token>')(`eyJ${parts.join('.')}`)),
    base64(200, 900).map((token) => shaped('<redacted>')(`IQoJb3JpZ2lu${token}`)),
    base64(40).map((key) => shaped('"SecretAccessKey":"<redacted>"')(`"SecretAccessKey":"${key}"`)),
    base64url(40, 200).map((token) => shaped('Bearer <redacted>')(`Bearer ${token}`)),
  );
  const others: fc.Arbitrary<Piece> = fc
    .constantFrom(...arns, ...otherNames)
    .map((name) => ({ text: name, left: name }));
  // A secret stands between all kinds of signs, and not in a place of its own.
  const before = fc.constantFrom('', ' ', '\n', '"', "'", '(', '=', ': ', ', "a": "', '<b>', '[', '&a=', '\t');
  const after = fc.constantFrom(
    ' ',
    '\n',
    ', ',
    '; ',
    ') ',
    '" ',
    "' ",
    '</b>',
    '"}',
    ' is not ',
    '. Then ',
    '&b=',
    ']',
  );
  const pieces = fc
    .array(fc.tuple(before, fc.oneof(secrets, others), after), { minLength: 1, maxLength: 14 })
    // One that is a part of another by chance is hidden there, too.
    .filter((parts) => !parts.some(([, { known }]) => known !== undefined && isIn(known, parts)));

  function isIn(known: string, parts: readonly (readonly [string, Piece, string])[]): boolean {
    return parts.some(([, piece]) => piece.known !== known && piece.text.includes(known));
  }

  // Each part is written alone, so that what stands in a secret's place can be seen.
  const leftOf = (piece: Piece, write: (text: string) => string) =>
    piece.left
      .split(/(<[a-z ]+>)/)
      .map((part, index) => (index % 2 === 1 && piece.text !== piece.left ? part : write(part)))
      .join('');

  it.each<[where: string, write: (text: string) => string]>([
    ['as they are', (text) => text],
    ['in JSON', inJson],
    ['in JSON within JSON', (text) => inJson(inJson(text))],
    ['in JSON of ASCII alone', inAscii],
    ['in a URL', encodeURIComponent],
  ])('%s nothing of a secret is left, and nothing else is lost', (_, write) => {
    fc.assert(
      fc.property(pieces, (parts) => {
        withKnownSecrets(() => {
          for (const [, { known }] of parts) if (known !== undefined) know(known);
          const text = parts.map(([start, piece, end]) => `${start}${piece.text}${end}`).join('');
          const left = parts.map(([start, piece, end]) => `${write(start)}${leftOf(piece, write)}${write(end)}`);
          expect(redact(write(text))).toBe(left.join(''));
        });
      }),
      { numRuns: isWhole ? 1000 : 100 },
    );
  });

  it('in a form nothing of a secret is left', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        withKnownSecrets(() => {
          for (const [, { known }] of parts) if (known !== undefined) know(known);
          const texts = parts.filter(([, { text, left }]) => text !== left).map(([, { text }]) => text);
          const result = redact(
            inForm(
              parts
                .flat()
                .map((part) => (typeof part === 'string' ? part : part.text))
                .join(''),
            ),
          );
          // What a form writes "+" for a space, so may a secret have; where one ends can then not be seen.
          for (const text of texts) expect(result).not.toContain(inForm(text));
        });
      }),
      { numRuns: isWhole ? 1000 : 100 },
    );
  });
});

describe('in JSON', () => {
  const shown = (value: unknown) => JSON.parse(JSON.stringify(value, redactingReplacer));

  it.each(['password', 'Password', 'newPassword', 'SecretString', 'idToken', 'customToken', 'authorization', 'secret'])(
    'a value under %s is hidden, of whatever type and however deep',
    (key) => {
      expect(shown({ a: [{ [key]: 'x', b: { [key]: { c: 'x' } } }] })).toEqual({
        a: [{ [key]: '<redacted>', b: { [key]: '<redacted>' } }],
      });
    },
  );

  it('a secret under any other name is hidden by its shape', () => {
    expect(shown({ detail: [`got ${jwt}`] })).toEqual({ detail: ['got <token>'] });
  });

  it('everything else is kept', () => {
    const value = { secretId: 'infinstor/dev/superadmin', tokens: 2, none: null, list: [true, 'acme'] };
    expect(shown(value)).toEqual(value);
  });
});
