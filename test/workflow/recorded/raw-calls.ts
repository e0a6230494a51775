import * as v from 'valibot';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { signRequest } from '../../../tools/permissions/sign-request.ts';
import type { Expected, Step } from './fact.ts';

/** Calls of the services that the project has no client of, as SDKs make them. */
type Send = (sandbox: Sandbox, step: Step) => Promise<Expected>;

const errorSchema = v.looseObject({ message: v.optional(v.string(), '') });

async function post({ endpoint, clock }: Sandbox, service: string, body: string, headers: Record<string, string>) {
  const request = { method: 'POST', url: `${endpoint}/`, headers, body };
  const response = await fetch(request.url, {
    method: 'POST',
    body,
    headers: await signRequest(request, { service, now: clock.now() }),
  });
  return { response, text: await response.text() };
}

/** CloudWatch in JSON; metrics of the minutes around now, as in the recorded tests. An error's code is that of the Query protocol, which a header has, as recorded. */
const cloudWatch: Send = async (sandbox, { operation, input }) => {
  const now = sandbox.clock.now() / 1000;
  const around = operation === 'GetMetricData' ? { StartTime: now - 60, EndTime: now + 60 } : {};
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `GraniteServiceVersion20100801.${operation}`,
  };
  const { response, text } = await post(sandbox, 'monitoring', JSON.stringify({ ...around, ...input }), headers);
  const answer: unknown = JSON.parse(text);
  if (response.ok) return { status: response.status, answer };
  const [code = ''] = (response.headers.get('x-amzn-query-error') ?? '').split(';');
  return { status: response.status, code, message: v.parse(errorSchema, answer).message };
};

const elements = (xml: string, name: string) =>
  [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, content = '']) => content);

/** SNS in the Query protocol; of an answer, the subscriptions. */
const sns: Send = async (sandbox, { operation, input }) => {
  const parameters = Object.entries({ Action: operation, Version: '2010-03-31', ...input });
  const body = new URLSearchParams(
    parameters.map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const { response, text } = await post(sandbox, 'sns', body, headers);
  const { status } = response;
  if (!response.ok)
    return { status, code: elements(text, 'Code')[0] ?? '', message: elements(text, 'Message')[0] ?? '' };
  const Subscriptions = elements(text, 'member').map((member) =>
    Object.fromEntries([...member.matchAll(/<(\w+)>([^<]*)</g)].map(([, name = '', value = '']) => [name, value])),
  );
  return { status, answer: { Subscriptions } };
};

export const rawCalls: Readonly<Record<string, Send>> = { cloudwatch: cloudWatch, sns };
