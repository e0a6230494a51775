// CloudWatch and SNS, of which one read each is wanted: no client of the SDK is needed for that.
import * as v from 'valibot';
import { requestOnce } from '../../lib/aws/http.ts';
import type { Deployment } from '../target/deployment.ts';
import { endpointIn, type Reachable } from '../target/target.ts';
import { answer } from './answer.ts';
import { signed } from './http-api.ts';

interface At {
  target: Reachable;
  deployment: Deployment;
}

/** What a service has refused, under its own name for that: `answer` explains it as it does the errors of the SDK's clients. */
class Refusal extends Error {
  override readonly name: string;
  readonly $fault = 'client';

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

const services = {
  /** General reference, "Amazon CloudWatch endpoints and quotas". */
  cloudwatch: { host: 'monitoring', signedFor: 'monitoring', variable: 'AWS_ENDPOINT_URL_CLOUDWATCH' },
  sns: { host: 'sns', signedFor: 'sns', variable: 'AWS_ENDPOINT_URL_SNS' },
} as const;

async function post(name: keyof typeof services, headers: Record<string, string>, body: string, at: At) {
  const { host, signedFor, variable } = services[name];
  const { region } = at.deployment;
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const set = process.env[variable] || endpointIn(process.env);
  const endpoint = at.target.kind === 'endpoint' ? at.target.url : (set ?? `https://${host}.${region}.${suffix}`);
  const request = { method: 'POST', url: new URL('/', endpoint), headers, body } as const;
  const { status, body: bytes } = await requestOnce(request.url.href, {
    ...{ method: 'POST', headers: await signed(request, at, signedFor), body },
    ...{ connectTimeoutMs: 3_000, timeoutMs: 10_000 },
  });
  return { status, text: bytes.toString('utf8') };
}

const jsonError = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ __type: v.string(), message: v.optional(v.string()), Message: v.optional(v.string()) }),
);

const alarm = v.object({
  AlarmName: v.string(),
  AlarmDescription: v.optional(v.string(), ''),
  StateValue: v.string(),
  StateReason: v.optional(v.string(), ''),
});
export interface AlarmState {
  name: string;
  description: string;
  state: string;
  reason: string;
}
const alarmsAnswer = v.object({
  MetricAlarms: v.optional(v.array(alarm), []),
  CompositeAlarms: v.optional(v.array(alarm), []),
  NextToken: v.optional(v.string()),
});

/** DescribeAlarms takes so many names (CloudWatch API reference). */
const mostNames = 100;

/**
 * The alarms of these names, as far as there are any.
 * @throws CommandError as `answer` throws
 */
export function describeAlarms(names: readonly string[], at: At): Promise<AlarmState[]> {
  const page = async (AlarmNames: readonly string[], NextToken: string | undefined) => {
    const input = {
      AlarmNames,
      AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
      ...(NextToken !== undefined && { NextToken }),
    };
    const target = 'GraniteServiceVersion20100801.DescribeAlarms';
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target };
    const { status, text } = await post('cloudwatch', headers, JSON.stringify(input), at);
    if (status === 200) return v.parse(alarmsAnswer, JSON.parse(text));
    const { __type, message, Message } = v.parse(jsonError, text);
    throw new Refusal(__type.split('#').at(-1) ?? __type, message ?? Message ?? `status ${status}`);
  };
  const all = async () => {
    const found: AlarmState[] = [];
    for (let first = 0; first < names.length; first += mostNames) {
      let token: string | undefined;
      do {
        const { MetricAlarms, CompositeAlarms, NextToken } = await page(names.slice(first, first + mostNames), token);
        for (const { AlarmName, AlarmDescription, StateValue, StateReason } of [...MetricAlarms, ...CompositeAlarms]) {
          found.push({ name: AlarmName, description: AlarmDescription, state: StateValue, reason: StateReason });
        }
        token = NextToken;
      } while (token !== undefined);
    }
    return found;
  };
  return answer('CloudWatch', all(), at.target);
}

/** What is between the tags of an XML document of SNS, which nests no tags of the same name there. */
const between = (text: string, tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1];

/**
 * How many have confirmed that they want what a topic is sent; undefined when there is no such topic. SNS may count a subscription of just now late.
 * @throws CommandError as `answer` throws
 */
export function confirmedSubscriptions(topicArn: string, at: At): Promise<number | undefined> {
  const ask = async () => {
    const body = new URLSearchParams({ Action: 'GetTopicAttributes', TopicArn: topicArn, Version: '2010-03-31' });
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const { status, text } = await post('sns', headers, body.toString(), at);
    const count = /<key>SubscriptionsConfirmed<\/key>\s*<value>(\d+)<\/value>/.exec(text)?.[1];
    if (status === 200 && count !== undefined) return Number(count);
    const code = between(text, 'Code');
    if (code === 'NotFound') return undefined;
    // Neither AWS nor a sandbox.
    if (code === undefined) throw new Refusal('Unknown', `status ${status}`);
    throw new Refusal(code, between(text, 'Message') ?? `status ${status}`);
  };
  return answer('SNS', ask(), at.target);
}
