import { createServer } from 'node:http';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, it, onTestFinished, vi } from 'vitest';
import { clientConfig } from '../../../../lib/aws/clients.ts';

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
