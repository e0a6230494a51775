import type { Sandbox } from '../../sandbox/boot.ts';
import {
  type ApiMethod,
  type ApiOptions,
  type ApiResponse,
  callApi as call,
} from '../../tools/permissions/call-api.ts';
import { spoken } from './sandbox.ts';

/** Calls the HTTP API, by default as the operator; what it answers is looked through for secrets in the end. */
export async function callApi(
  sandbox: Sandbox,
  method: ApiMethod,
  path: string,
  body?: unknown,
  options: ApiOptions = {},
): Promise<ApiResponse> {
  const response = await call(sandbox, method, path, body, options);
  spoken.push(JSON.stringify(response.body));
  return response;
}
