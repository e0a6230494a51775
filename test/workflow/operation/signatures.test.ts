import { describe, expect, it } from 'vitest';
import { account } from '../../../sandbox/core/account.ts';
import { signRequest } from '../../../tools/permissions/sign-request.ts';
import { eventually, requestFor, useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();
const queue = 'infinstor-onboarding-sandbox-refused-events';
const allowAll = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const trustNobody = { Version: '2012-10-17', Statement: [] };

interface Door {
  service: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  /** What the call does, seen from inside. */
  effect: () => unknown;
  /** How a broken signature is refused, and a missing one. */
  refusal: [status: number, text: string];
  unsigned: [status: number, text: string];
}

const json = (target: string, version = '1.1') => ({
  'content-type': `application/x-amz-json-${version}`,
  'x-amz-target': target,
});
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const inJson = {
  refusal: [400, 'InvalidSignatureException'],
  unsigned: [400, 'MissingAuthenticationTokenException'],
} as const satisfies Partial<Door>;
const inQuery = {
  refusal: [403, '<Code>SignatureDoesNotMatch</Code>'],
  unsigned: [403, '<Code>MissingAuthenticationToken</Code>'],
} as const satisfies Partial<Door>;

/** One call of each protocol that has an effect; each makes a thing of this name. */
const doors: Record<string, (name: string) => Door> = {
  JSON: (name) => ({
    service: 'secretsmanager',
    path: '/',
    headers: json('secretsmanager.CreateSecret'),
    body: JSON.stringify({ Name: `door/${name}`, SecretString: '{}' }),
    effect: () => sandbox().secretsManager.value(`door/${name}`) !== undefined,
    refusal: [...inJson.refusal],
    unsigned: [...inJson.unsigned],
  }),
  DynamoDB: (name) => ({
    service: 'dynamodb',
    path: '/',
    headers: json('DynamoDB_20120810.PutItem', '1.0'),
    body: JSON.stringify({ TableName: sandbox().registryTable, Item: { pk: { S: name }, sk: { S: name } } }),
    effect: async () => (await sandbox().dynamoDb.items(sandbox().registryTable)).some(({ pk }) => pk?.S === name),
    refusal: [...inJson.refusal],
    unsigned: [...inJson.unsigned],
  }),
  Query: (name) => ({
    service: 'iam',
    path: '/',
    headers: form,
    body: String(new URLSearchParams({ Action: 'DeleteRole', Version: '2010-05-08', RoleName: `door-${name}` })),
    effect: () => sandbox().iam.role(`door-${name}`) === undefined,
    refusal: [...inQuery.refusal],
    unsigned: [...inQuery.unsigned],
  }),
  'Query of SQS': (name) => ({
    service: 'sqs',
    path: `/${account.accountId}/${queue}`,
    headers: form,
    body: String(
      new URLSearchParams({
        Action: 'SendMessage',
        QueueUrl: `${sandbox().endpoint}/${account.accountId}/${queue}`,
        MessageBody: name,
      }),
    ),
    effect: () => JSON.stringify(sandbox().sqs.messages(queue)).includes(name),
    refusal: [...inQuery.refusal],
    unsigned: [...inQuery.unsigned],
  }),
  'REST of Lambda': (name) => ({
    service: 'lambda',
    path: '/2015-03-31/functions/infinstor-onboarding-sandbox-post-subscribers/invocations',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...apiEvent, body: JSON.stringify(requestFor(`lambda-${name}`)) }),
    effect: () => isStarted(`lambda-${name}`),
    refusal: [403, 'InvalidSignatureException'],
    unsigned: [403, 'MissingAuthenticationTokenException'],
  }),
  'HTTP API': (name) => ({
    service: 'execute-api',
    path: '/api/subscribers',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(requestFor(`api-${name}`)),
    effect: () => isStarted(`api-${name}`),
    refusal: [403, '{"message":"Forbidden"}'],
    unsigned: [403, '{"message":"Forbidden"}'],
  }),
};

/** What API Gateway invokes the function with, as far as it reads it. */
const apiEvent = {
  version: '2.0',
  routeKey: 'POST /subscribers',
  headers: {},
  isBase64Encoded: false,
  requestContext: {},
};

const isStarted = (userName: string) =>
  sandbox()
    .states.executions()
    .some(({ name }) => name.startsWith(`${userName}-`));

/** A session of a new role that may do everything. */
function session(roleName: string) {
  const { iam } = sandbox();
  const policies = [{ name: 'everything', document: allowAll }];
  const { arn } = iam.createRole({ roleName, assumeRolePolicyDocument: trustNobody, policies });
  return iam.credentials(arn, 'door');
}

let tries = 0;

describe.each(Object.entries(doors))('through %s', (_name, doorOf) => {
  async function send(change: (sent: Sent) => Sent) {
    tries += 1;
    const door = doorOf(`t${tries}`);
    const { service, path, headers, body } = door;
    sandbox().iam.createRole({ roleName: `door-t${tries}`, assumeRolePolicyDocument: trustNobody });
    const url = sandbox().endpoint + path;
    const credentials = session(`caller-${tries}`);
    const sign = (key: typeof credentials) =>
      signRequest({ method: 'POST', url, headers, body }, { service, now: sandbox().clock.now(), credentials: key });
    const wrong = await sign({ ...credentials, secretAccessKey: 'wrong' });
    const sent = change({ headers: await sign(credentials), body, wrong });
    const response = await fetch(url, { method: 'POST', headers: sent.headers, body: sent.body });
    const text = await response.text();
    return { ...door, status: response.status, text: text + response.headers.get('x-amzn-errortype') };
  }

  it('a call with a good signature has its effect', async () => {
    const { status, effect } = await send((sent) => sent);
    expect(status).toBeLessThan(300);
    await eventually(sandbox(), async () => expect(await effect()).toBe(true));
  });

  it.each<[string, (sent: Sent) => Sent, text?: string]>([
    ['the signature of another secret key', ({ wrong, body }) => ({ headers: wrong, body, wrong })],
    ['another body', ({ body, ...sent }) => ({ ...sent, body: body.replace(/}?$/, (end) => ` ${end}`) })],
    ['another header', ({ headers, ...rest }) => ({ ...rest, headers: { ...headers, 'content-type': 'text/plain' } })],
    [
      'its session token taken away',
      ({ headers, ...rest }) => ({ ...rest, headers: without(headers, 'security-token') }),
    ],
    ['no signature', ({ headers, ...rest }) => ({ ...rest, headers: without(headers, 'authorization') })],
  ])('a call with %s has none', async (what, change) => {
    const before = sandbox().calls().length;
    const { status, text, effect, refusal, unsigned } = await send(change);
    const isUnsigned = what === 'no signature';
    const isUnknown = what.includes('token');
    const [expectedStatus, expectedText] = isUnsigned ? unsigned : refusal;
    expect(status).toBe(expectedStatus);
    expect(text).toMatch(
      isUnknown ? /UnrecognizedClientException|InvalidClientTokenId|Forbidden/ : new RegExp(expectedText),
    );
    expect(sandbox().calls()).toHaveLength(before);
    expect(await effect()).toBe(false);
  });
});

it.each([
  ['service', { service: 'kms' }],
  ['Region', { region: 'eu-west-1' }],
])('the HTTP API takes no signature for another %s', async (_name, scope) => {
  const url = `${sandbox().apiEndpoint}/subscribers/nobody`;
  const ask = async (signing: object) => {
    const now = sandbox().clock.now();
    const headers = await signRequest({ method: 'GET', url }, { service: 'execute-api', now, ...signing });
    return (await fetch(url, { headers })).status;
  };
  expect([await ask({}), await ask(scope)]).toEqual([404, 403]);
});

interface Sent {
  headers: Record<string, string>;
  body: string;
  /** The headers with the signature of another secret key. */
  wrong: Record<string, string>;
}

const without = (headers: Record<string, string>, part: string) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.includes(part)));
