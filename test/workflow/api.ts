import type { Sandbox } from '../../sandbox/boot.ts';
import { type ApiResponse, callApi as call } from '../../tools/permissions/call-api.ts';
import { spoken } from './sandbox.ts';

/** Calls the HTTP API as the operator; what it answers is looked through for secrets in the end. */
export async function callApi(
  sandbox: Sandbox,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<ApiResponse> {
  const response = await call(sandbox, method, path, body);
  spoken.push(JSON.stringify(response.body));
  return response;
}
