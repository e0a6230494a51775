import type { Sandbox } from '../../sandbox/boot.ts';
import { signRequest } from './sign-request.ts';

export interface ApiResponse {
  status: number;
  headers: Headers;
  body: unknown;
}

/** Calls the sandbox's HTTP API as its operator, with a signed request. A body that is no string is sent as JSON. */
export async function callApi(
  { apiEndpoint, clock }: Pick<Sandbox, 'apiEndpoint' | 'clock'>,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<ApiResponse> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const request = {
    method,
    url: apiEndpoint + path,
    ...(text !== undefined && { body: text, headers: { 'content-type': 'application/json' } }),
  };
  const headers = await signRequest(request, { service: 'execute-api', now: clock.now() });
  const response = await fetch(request.url, { ...request, headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
