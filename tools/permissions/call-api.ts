import type { Sandbox } from '../../sandbox/boot.ts';
import { signRequest } from './sign-request.ts';

export type ApiMethod = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface ApiResponse {
  status: number;
  headers: Headers;
  body: unknown;
}

export interface ApiOptions {
  headers?: Record<string, string>;
  /** Default: those of the sandbox's operator. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined };
}

/** Calls the sandbox's HTTP API, by default as its operator, with a signed request. A body that is no string is sent as JSON. */
export async function callApi(
  { apiEndpoint, clock }: Pick<Sandbox, 'apiEndpoint' | 'clock'>,
  method: ApiMethod,
  path: string,
  body?: unknown,
  { headers: more = {}, credentials }: ApiOptions = {},
): Promise<ApiResponse> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const request = {
    method,
    url: apiEndpoint + path,
    headers: { ...more, ...(text !== undefined && { 'content-type': 'application/json' }) },
    ...(text !== undefined && { body: text }),
  };
  const headers = await signRequest(request, {
    service: 'execute-api',
    now: clock.now(),
    ...(credentials && { credentials }),
  });
  const response = await fetch(request.url, { ...request, headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
