import { createServer } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import * as v from 'valibot';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { addSubscriber } from '../../../../lib/infinstor/add-subscriber.ts';
import { apiUrlOf, getVersion } from '../../../../lib/infinstor/discovery.ts';
import { type Answer, fakeInfinStor } from '../../functions/fake-infinstor.ts';

const subscriber = { userName: 'acme', password: 'Marked"\\1', emailId: 'mlops@acme.example' };
const place = {
  tokenOf: (answer: unknown) =>
    v.parse(v.fallback(v.object({ customToken: v.optional(v.string()) }), {}), answer).customToken,
  tokenPlace: 'customToken',
};
const loginExpired =
  '\n<html><head><meta http-equiv="refresh" content="3;url=/login.html"></head><body>Login expired. Please login again</body></html>';

/** The address of a service that is not there. */
async function nowhere(): Promise<string> {
  const { url, close } = await fakeInfinStor({});
  close();
  return url;
}

/** The address of a service that breaks the connection in the middle of its answer. */
async function breaking(): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('{', () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
}

/** The https address of a server that does this with its connections, instead of a handshake. */
async function withoutHandshake(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer(onConnection);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? `https://127.0.0.1:${address.port}` : '';
}

/** Lets the time that a call may take run out as soon as the service is asked. */
function silence(): () => Answer {
  const limit = new AbortController();
  vi.spyOn(AbortSignal, 'timeout').mockReturnValue(limit.signal);
  return () => {
    limit.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    return 'lost';
  };
}

describe('the URL of the API', () => {
  const discovery = { cognitoCliClientId: 'client-1', region: 'eu-west-1', isExternalAuth: 'false' };
  const told = { ...discovery, apiDnsName: 'infinstorapi', serviceDnsName: 'infinstor.example.com' };

  it('is the one that get_version returns', () => {
    expect(apiUrlOf(told, '')).toBe('https://infinstorapi.infinstor.example.com');
  });

  it('is the one that the deployment says, if it says one', () => {
    expect(apiUrlOf(told, 'https://api.example.com')).toBe('https://api.example.com');
  });

  it.each([
    ['no name of it', { ...told, apiDnsName: '' }],
    ['no name of the service', { ...told, serviceDnsName: '' }],
    ['more than a name', { ...told, apiDnsName: 'elsewhere.example/', serviceDnsName: 'x' }],
    ['a name before a sign', { ...told, apiDnsName: 'user@elsewhere' }],
  ])('must be configured where get_version returns %s', (_, discovered) => {
    expect(() => apiUrlOf(discovered, '')).toThrow(
      expect.objectContaining({ name: 'InvalidConfiguration', message: expect.stringContaining('infinstorApiUrl') }),
    );
  });
});

describe('get_version', () => {
  const version = {
    cognitoCliClientId: 'client-1',
    region: 'eu-west-1',
    isExternalAuth: 'false',
    apiDnsName: '',
    serviceDnsName: '',
  };

  it('returns Cognito client and Region to who sends the word None for a token', async () => {
    const { url, requests } = await fakeInfinStor({
      get_version: () => ({ body: { ...version, isExternalAuth: undefined, mlflowDnsName: 'mlflow' } }),
    });
    expect(await getVersion(url)).toEqual(version);
    expect(requests).toMatchObject([{ operation: 'GET get_version', headers: { authorization: 'None' } }]);
  });

  it.each<[fault: string, answer: () => Answer, message: string]>([
    ['answers 500', () => ({ status: 500, body: version }), 'get_version: InfinStor answered 500'],
    ['answers 504', () => ({ status: 504, body: '' }), 'get_version: InfinStor answered 504'],
    ['breaks the connection', () => 'lost', 'get_version: the connection failed (ECONNRESET)'],
  ])('is unavailable when the service %s', async (_fault, answer, message) => {
    const { url } = await fakeInfinStor({ get_version: answer });
    await expect(getVersion(url)).rejects.toThrow(expect.objectContaining({ name: 'InfinStorUnavailable', message }));
  });

  it('is unavailable when no connection comes about', async () => {
    await expect(getVersion(await nowhere())).rejects.toThrow(
      expect.objectContaining({
        name: 'InfinStorUnavailable',
        message: 'get_version: the connection failed (ECONNREFUSED)',
      }),
    );
  });

  it('is unavailable when the connection breaks within the answer', async () => {
    await expect(getVersion(await breaking())).rejects.toThrow(
      expect.objectContaining({ name: 'InfinStorUnavailable' }),
    );
  });

  it('is unavailable when the answer takes too long', async () => {
    const { url } = await fakeInfinStor({ get_version: silence() });
    await expect(getVersion(url)).rejects.toThrow(
      expect.objectContaining({ name: 'InfinStorUnavailable', message: 'get_version: no answer came in time' }),
    );
  });

  it('is asked elsewhere, once, when the service says so', async () => {
    const { url } = await fakeInfinStor({ get_version: () => ({ body: version }) });
    const location = `${url}/api/2.0/mlflow/infinstor/get_version`;
    const other = await fakeInfinStor({ get_version: () => ({ status: 301, headers: { location }, body: '' }) });
    expect(await getVersion(other.url)).toEqual(version);
    const circle = await fakeInfinStor({
      get_version: () => ({ status: 302, headers: { location: 'get_version' }, body: '' }),
    });
    await expect(getVersion(circle.url)).rejects.toMatchObject({ name: 'InfinStorRejected' });
    expect(circle.requests).toHaveLength(2);
  });

  it.each<[answer: string, Answer]>([
    ['a page', { body: '<html>welcome</html>' }],
    ['JSON without the Region', { body: { cognitoCliClientId: 'client-1' } }],
    ['a refusal', { status: 404, body: version }],
  ])('is no InfinStor service that answers with %s', async (_name, answer) => {
    const { url } = await fakeInfinStor({ get_version: () => answer });
    await expect(getVersion(url)).rejects.toThrow(
      expect.objectContaining({
        name: 'InfinStorRejected',
        message: expect.stringContaining(`is ${url} an InfinStor`),
      }),
    );
  });
});

describe('add_subscriber', () => {
  const add = (url: string) => addSubscriber(url, 'id-token-1', subscriber, place);
  const addTo = async (answer: () => Answer) => add((await fakeInfinStor({ add_subscriber: answer })).url);

  it('is sent as the setup guide says: a raw token, and JSON', async () => {
    const { url, requests } = await fakeInfinStor({ add_subscriber: () => ({ body: { customToken: 'c' } }) });
    expect(await add(url)).toBe('c');
    expect(requests).toMatchObject([
      {
        operation: 'POST add_subscriber',
        headers: { authorization: 'id-token-1', 'content-type': 'application/json' },
        body: JSON.stringify(subscriber),
      },
    ]);
  });

  it.each<[name: string, error: string, answer: Answer]>([
    ['401', 'TokenRejected', { status: 401, body: '' }],
    ['403', 'TokenRejected', { status: 403, body: '' }],
    ['the login page and 200', 'TokenRejected', { body: loginExpired }],
    ['a duplicate', 'SubscriberExists', { status: 400, body: 'Error User Exists' }],
    ['a duplicate and 200', 'SubscriberExists', { body: 'Error User Exists' }],
    ['a duplicate and 403', 'SubscriberExists', { status: 403, body: 'Error User Exists' }],
    ['a duplicate and 409', 'SubscriberExists', { status: 409, body: { message: 'Subscriber ACME already exists' } }],
    ['a duplicate and quotes', 'SubscriberExists', { status: 400, body: { message: 'User "acme" already exists.' } }],
    ["Cognito's duplicate", 'SubscriberExists', { status: 400, body: 'UsernameExistsException: taken' }],
    ["Cognito's words for one", 'SubscriberExists', { status: 400, body: { message: 'User account already exists' } }],
    ['a duplicate and 200', 'SubscriberExists', { body: { error: 'User Exists' } }],
    ['a duplicate in plain text and 200', 'SubscriberExists', { body: 'Error User Exists' }],
    ['409 without a word', 'InfinStorRejected', { status: 409, body: '' }],
    ['no user of the name', 'InfinStorRejected', { status: 400, body: 'Error No such user exists' }],
    ['an address that exists', 'InvalidRequest', { status: 400, body: 'Error User email already exists' }],
    ['another subscriber that exists', 'InfinStorRejected', { status: 400, body: 'Error User acme2 already exists' }],
    [
      'a redirect to the login page',
      'TokenRejected',
      { status: 302, headers: { location: '/login.html?x' }, body: '' },
    ],
    [
      'a redirect that follows a success',
      'LostAnswer',
      { status: 303, headers: { location: '/login-done' }, body: '' },
    ],
    ['a redirect to nowhere', 'LostAnswer', { status: 302, body: '' }],
    ['the login page and 401', 'TokenRejected', { status: 401, body: loginExpired }],
    ['a login page of other words', 'TokenRejected', { body: loginExpired.replace('Login expired', 'Once more') }],
    [
      'a page that has a link to a login',
      'LostAnswer',
      { body: '<html>Welcome. <a href="/login.html">Login</a></html>' },
    ],
    ['an error and 200', 'LostAnswer', { body: { error: 'Password did not conform with policy' } }],
    ["Lambda's error and 200", 'LostAnswer', { body: { errorMessage: 'Task timed out', errorType: 'Error' } }],
    ['a token beside an error', 'LostAnswer', { body: { customToken: 'c', error: 'mail was not sent' } }],
    ['text and 200', 'LostAnswer', { body: 'Successfully created user' }],
    ['nothing and 204', 'LostAnswer', { status: 204, body: '' }],
    ['408', 'LostAnswer', { status: 408, body: '' }],
    ['another refusal', 'InfinStorRejected', { status: 400, body: 'Error Malformed JSON body' }],
    ['500', 'LostAnswer', { status: 500, body: 'Error User Exists' }],
    ['504', 'LostAnswer', { status: 504, body: '' }],
    ["a gateway's page that speaks of a login", 'LostAnswer', { status: 502, body: loginExpired }],
    ['a broken connection', 'LostAnswer', 'lost'],
  ])('answered with %s ends in %s', async (_name, error, answer) => {
    await expect(addTo(() => answer)).rejects.toThrow(expect.objectContaining({ name: error }));
  });

  it.each([
    ['null', null],
    ['empty', ''],
    ['an empty list', []],
    ['false', false],
    ['zero', 0],
  ])('is a success when the error that the answer names is %s', async (_name, error) => {
    expect(await addTo(() => ({ body: { customToken: 'c', error, errors: error } }))).toBe('c');
  });

  it('returns the error of an answer with status 200, and nothing else of it', async () => {
    const opaque = 'c2VjcmV0LXRva2VuLTEyMzQ1Njc4OTA';
    const body = { error: `mail for ${opaque} was not sent`, value: opaque };
    await expect(addTo(() => ({ body }))).rejects.toThrow(
      expect.objectContaining({
        name: 'LostAnswer',
        message: 'was answered 200, but with an error: mail for <redacted> was not sent',
      }),
    );
    await expect(addTo(() => ({ body: opaque }))).rejects.toThrow(
      expect.objectContaining({
        message: 'was answered 200, but its answer has no custom token at customToken or a known place',
      }),
    );
  });

  it.each([[{ error: `no: ${subscriber.password}` }], [`Error no: ${subscriber.password}`]])(
    'withholds an error that quotes the password',
    async (body) => {
      await expect(addTo(() => ({ body }))).rejects.toThrow(
        expect.objectContaining({
          message: 'was answered 200, but with an error: its answer is withheld, because it quotes the password',
        }),
      );
    },
  );

  it('withholds an error that quotes a password which looks like a token in a part of it', async () => {
    const password = `Aa!${'abc123'.repeat(9)}`;
    const { url } = await fakeInfinStor({ add_subscriber: () => ({ body: { error: `no: ${password}` } }) });
    await expect(addSubscriber(url, 'id-token-1', { ...subscriber, password }, place)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^[^!]*its answer is withheld/) }),
    );
  });

  it('has had no effect when no connection came about', async () => {
    await expect(add(await nowhere())).rejects.toThrow(
      expect.objectContaining({
        name: 'InfinStorUnavailable',
        message: 'add_subscriber: the connection failed (ECONNREFUSED)',
      }),
    );
  });

  it('has had no effect when the connection breaks before anything can be sent', async () => {
    await expect(add(await withoutHandshake((socket) => socket.destroy()))).rejects.toThrow(
      expect.objectContaining({
        name: 'InfinStorUnavailable',
        message: 'add_subscriber: the connection failed (ECONNRESET)',
      }),
    );
  });

  it('has had no effect when the connection takes too long to come about', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const url = await withoutHandshake((socket) => {
      onTestFinished(() => void socket.destroy());
      vi.advanceTimersByTime(10_000);
    });
    await expect(add(url)).rejects.toThrow(
      expect.objectContaining({
        name: 'InfinStorUnavailable',
        message: 'add_subscriber: the connection failed (ETIMEDOUT)',
      }),
    );
  });

  it('is sent over a connection that no other call has used, nor will', async () => {
    const ports = new Set<number | undefined>();
    const server = createServer((request, response) => {
      ports.add(request.socket.remotePort);
      response.end(JSON.stringify({ customToken: 'c' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
    for (let call = 0; call < 3; call += 1) expect(await add(url)).toBe('c');
    expect(ports.size).toBe(3);
  });

  it('may have had its effect when the connection breaks within the answer', async () => {
    await expect(add(await breaking())).rejects.toThrow(expect.objectContaining({ name: 'LostAnswer' }));
  });

  it('may have had its effect when the answer takes too long', async () => {
    await expect(addTo(silence())).rejects.toThrow(
      expect.objectContaining({
        name: 'LostAnswer',
        message: 'was sent, and no answer came in time',
      }),
    );
  });

  it.each([
    ['as it is', `no: ${subscriber.password}.`],
    ['as JSON writes it', `no: ${JSON.stringify(subscriber)}`],
    ['where the reason would be cut', `${'- '.repeat(97)}${subscriber.password}`],
  ])('withholds a refusal that quotes the password, %s', async (_name, body) => {
    await expect(addTo(() => ({ status: 400, body }))).rejects.toThrow(
      expect.objectContaining({
        name: 'InfinStorRejected',
        message: 'add_subscriber: InfinStor answered 400: its answer is withheld, because it quotes the password',
      }),
    );
  });

  it('says why it is refused without a token, even where the reason is cut', async () => {
    const token = `eyJraWQiOiJ4In0.${'a'.repeat(300)}.${'b'.repeat(40)}`;
    await expect(addTo(() => ({ status: 400, body: `${'- '.repeat(90)}${token}` }))).rejects.toThrow(
      expect.objectContaining({ message: `add_subscriber: InfinStor answered 400: ${'- '.repeat(90)}<token>` }),
    );
  });
});

it('does not follow a redirect, which would carry token and password elsewhere', async () => {
  const elsewhere = await fakeInfinStor({ stolen: () => ({ body: { customToken: 'x' } }) });
  const { url } = await fakeInfinStor({
    add_subscriber: () => ({ status: 307, headers: { location: `${elsewhere.url}/stolen` }, body: '' }),
  });
  await expect(addSubscriber(url, 'token', subscriber, place)).rejects.toMatchObject({ name: 'InfinStorRejected' });
  expect(elsewhere.requests).toEqual([]);
});

describe('throttling by the gateway, which nothing has passed', () => {
  const throttled = () => ({ status: 429, body: { message: 'Too Many Requests' } });

  it('makes get_version and add_subscriber InfinStorUnavailable, which is retried', async () => {
    const { url } = await fakeInfinStor({ get_version: throttled, add_subscriber: throttled });
    await expect(getVersion(url)).rejects.toMatchObject({ name: 'InfinStorUnavailable' });
    await expect(addSubscriber(url, 'token', subscriber, place)).rejects.toMatchObject({
      name: 'InfinStorUnavailable',
    });
  });
});
