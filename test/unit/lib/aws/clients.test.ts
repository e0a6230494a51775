import { createServer } from 'node:http';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, it, onTestFinished, vi } from 'vitest';
import { clientConfig, closeIdleConnections, onceConfig } from '../../../../lib/aws/clients.ts';

/** The endpoint of a service that takes requests and never answers. */
async function silentEndpoint(onRequest: () => void): Promise<string> {
  const server = createServer(onRequest);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** A service that answers every call, and the connections that it was called over, each by the port of the other end. */
async function answeringEndpoint() {
  const ports: (number | undefined)[] = [];
  const server = createServer((request, response) => {
    ports.push(request.socket.remotePort);
    request.resume();
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  const client = (config: typeof clientConfig) =>
    new SecretsManagerClient({
      ...config,
      endpoint: `http://127.0.0.1:${address.port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  return { ports, client };
}
const read = (client: SecretsManagerClient) => client.send(new GetSecretValueCommand({ SecretId: 'any' }));

it('clients share a connection until it is closed for its age', async () => {
  const { ports, client } = await answeringEndpoint();
  await read(client(clientConfig));
  await read(client(clientConfig));
  expect(new Set(ports).size).toBe(1);
  closeIdleConnections();
  await read(client(clientConfig));
  expect(new Set(ports).size).toBe(2);
});

it('a client of a call that must not be repeated takes a connection of its own each time, and has one try', async () => {
  const { ports, client } = await answeringEndpoint();
  const once = client(onceConfig);
  await read(client(clientConfig));
  await read(once);
  await read(once);
  expect(new Set(ports).size).toBe(3);
  expect(await once.config.maxAttempts()).toBe(1);
});

it('a client breaks off a request without an answer, and tries it anew', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let requests = 0;
  const client = new SecretsManagerClient({
    ...clientConfig,
    endpoint: await silentEndpoint(() => {
      requests += 1;
      // Time passes only while a request waits for its answer: enough for its end and the pause after it, and too little for the
      // end of the next one.
      void vi.advanceTimersByTimeAsync(clientConfig.requestHandler.requestTimeout + 1_000);
    }),
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await expect(client.send(new GetSecretValueCommand({ SecretId: 'any' }))).rejects.toMatchObject({
    name: 'TimeoutError',
    message: expect.stringContaining('5000 ms'),
  });
  expect(requests).toBe(3);
});
