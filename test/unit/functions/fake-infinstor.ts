import { createServer, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** `lost`: the request arrives, its answer does not. */
export type Answer = { status?: number; headers?: Record<string, string>; body: unknown } | 'lost';

/** Starts an InfinStor for the running test, which answers each operation (`get_version`) as given. */
export async function fakeInfinStor(answers: Record<string, () => Answer | Promise<Answer>>) {
  const requests: { operation: string; headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const operation = request.url?.split('/').at(-1) ?? '';
    requests.push({ operation: `${request.method} ${operation}`, headers: request.headers, body: await text(request) });
    const answer = (await answers[operation]?.()) ?? { status: 404, body: 'not found' };
    if (answer === 'lost') {
      request.socket.destroy();
      return;
    }
    const { status = 200, headers = {}, body } = answer;
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(close);
  return { url: `http://127.0.0.1:${address.port}`, requests, close };
}
