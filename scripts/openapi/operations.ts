import type * as v from 'valibot';
import { keySchema } from '../../functions/get-key/query.ts';
import { querySchema as quotasQuery } from '../../functions/get-quotas/query.ts';
import { querySchema as subscriberQuery } from '../../functions/get-subscriber/query.ts';
import { querySchema as listQuery } from '../../functions/list-subscribers/query.ts';
import {
  acceptedSchema,
  healthAnswerSchema,
  keyAnswerSchema,
  listAnswerSchema,
  planAnswerSchema,
  quotasAnswerSchema,
  subscriberAnswerSchema,
} from './answers.ts';
import { type Body, offboardingBody, onboardingBody, planBody, updateBody, usersBody } from './bodies.ts';

/** What an operation of the API is, beside its route, which the function's own function.yml has. */
export interface Operation {
  operationId: string;
  tag: 'Subscribers' | 'Plans' | 'Keys and quotas' | 'The API';
  summary: string;
  description: string;
  /** The schema of path and query together, in which the names of the path are found. */
  parameters?: v.GenericSchema;
  /** The same where they are those of a request that has no body. */
  query?: Body;
  body?: Body;
  /** Whether it starts an execution, and so takes the headers by which a request is known again. */
  starts?: true;
  answer: { status: 200 | 202; name: string; description: string; schema?: v.GenericSchema };
  /** The statuses of what is refused, beside those that every operation has. */
  refusals: readonly (404 | 409 | 422)[];
}

const accepted = (what: string): Operation['answer'] => ({
  status: 202,
  name: 'Accepted',
  description: `${what}. Its status is read at the Location.`,
  schema: acceptedSchema,
});

const ofPath = 'The subscriber is the one of the path: the body may leave out `subscriber.userName`.';

/** The operations, by the function behind each. */
export const operations: Readonly<Record<string, Operation>> = {
  'post-subscribers': {
    operationId: 'onboardSubscriber',
    tag: 'Subscribers',
    summary: 'Onboard a subscriber',
    description:
      'Starts the onboarding that the request asks for; a repeat continues from what exists. The request may hold a password, which is kept in a secret.',
    body: onboardingBody,
    starts: true,
    answer: accepted('The onboarding is started'),
    refusals: [409, 422],
  },
  'list-subscribers': {
    operationId: 'listSubscribers',
    tag: 'Subscribers',
    summary: 'List subscribers',
    description:
      'A page of the subscribers that pass all filters, in the order of their names. A parameter that is unknown is refused.',
    parameters: listQuery,
    answer: { status: 200, name: 'SubscriberList', description: 'A page of subscribers.', schema: listAnswerSchema },
    refusals: [],
  },
  'get-subscriber': {
    operationId: 'getSubscriber',
    tag: 'Subscribers',
    summary: 'Read how a subscriber stands',
    description:
      'How a subscriber stands by what was last done to it, or by one execution. While that runs, Retry-After says when to ask again.',
    parameters: subscriberQuery,
    answer: { status: 200, name: 'Subscriber', description: 'The subscriber.', schema: subscriberAnswerSchema },
    refusals: [404],
  },
  'patch-subscriber': {
    operationId: 'updateSubscriber',
    tag: 'Subscribers',
    summary: "Change a subscriber's e-mail address or password",
    description: `Starts the update. ${ofPath}`,
    body: updateBody,
    starts: true,
    answer: accepted('The update is started'),
    refusals: [409, 422],
  },
  'delete-subscriber': {
    operationId: 'offboardSubscriber',
    tag: 'Subscribers',
    summary: 'Offboard a subscriber',
    description: 'Starts the offboarding. A parameter that is unknown is refused.',
    query: offboardingBody,
    starts: true,
    answer: accepted('The offboarding is started'),
    refusals: [409, 422],
  },
  'post-users': {
    operationId: 'addUsers',
    tag: 'Subscribers',
    summary: 'Add users under a subscriber',
    description: `Starts the addition of users. ${ofPath}`,
    body: usersBody,
    starts: true,
    answer: accepted('The addition of users is started'),
    refusals: [409, 422],
  },
  'post-retry': {
    operationId: 'retrySubscriber',
    tag: 'Subscribers',
    summary: 'Send the request of the latest attempt again',
    description: 'Starts the latest attempt of the subscriber again, if that has failed. A body is not read.',
    starts: true,
    answer: accepted('The request is sent again'),
    refusals: [404, 409, 422],
  },
  'plan-request': {
    operationId: 'planRequest',
    tag: 'Plans',
    summary: 'Plan a request',
    description:
      'What a request would do, by the same checks and decisions as the steps of its machine. It changes nothing. What would be refused is 422, with each fault.',
    body: planBody,
    answer: { status: 200, name: 'Plan', description: 'What would be done.', schema: planAnswerSchema },
    refusals: [422],
  },
  'get-key': {
    operationId: 'getKey',
    tag: 'Keys and quotas',
    summary: 'Read how a KMS key stands',
    description:
      'The room in the policy of a key, who may use the key, and in what the policy differs from what the registry wants.',
    parameters: keySchema,
    answer: { status: 200, name: 'Key', description: 'The key.', schema: keyAnswerSchema },
    refusals: [404],
  },
  'get-quotas': {
    operationId: 'getQuotas',
    tag: 'Keys and quotas',
    summary: 'Read what is left of quotas',
    description:
      "What is left of AWS's quotas in each account and Region of the deployment, and of the policies of keys.",
    parameters: quotasQuery,
    answer: { status: 200, name: 'Quotas', description: 'The quotas.', schema: quotasAnswerSchema },
    refusals: [],
  },
  'get-openapi': {
    operationId: 'getOpenapi',
    tag: 'The API',
    summary: 'Read this document',
    description: 'This document, with the address of the API that answers.',
    answer: { status: 200, name: 'OpenApi', description: 'A document of OpenAPI 3.1.' },
    refusals: [],
  },
  'get-health': {
    operationId: 'getHealth',
    tag: 'The API',
    summary: 'Read whether the API works',
    description: 'Whether requests can be taken, as far as the API itself decides: it runs, and the registry answers.',
    answer: { status: 200, name: 'Health', description: 'It works.', schema: healthAnswerSchema },
    refusals: [],
  },
};
