import * as v from 'valibot';
import { type InfinStorResponse, refusal } from './answers.ts';

/** The header names are in lower case, the path is relative to the service's base URL. */
export interface InfinStorRequest {
  method: string;
  path: string;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

/** The fields of a JSON request, or what is wrong with it. */
export function jsonFields<Fields>(
  { headers, body }: InfinStorRequest,
  schema: v.GenericSchema<unknown, Fields>,
): { fields: Fields } | { problem: InfinStorResponse } {
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    return { problem: refusal(400, 'Error Expected a JSON body') };
  }
  const request = v.safeParse(schema, parseJson(body));
  if (request.success) return { fields: request.output };
  const field = v.getDotPath(request.issues[0]);
  return { problem: refusal(400, field ? `Error Missing parameter ${field}` : 'Error Malformed JSON body') };
}

/** The fields of a form; undefined when the request has none. */
export function formFields({ headers, body }: InfinStorRequest): Record<string, string> | undefined {
  if (!/^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '')) return undefined;
  return Object.fromEntries(new URLSearchParams(body));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
