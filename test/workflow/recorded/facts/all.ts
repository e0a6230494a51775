import type { Recordings } from '../fact.ts';
import { iam, sts } from './access.ts';
import { cloudformation } from './cloudformation.ts';
import { templates } from './cloudformation-templates.ts';
import { updates } from './cloudformation-updates.ts';
import { cloudwatch } from './cloudwatch.ts';
import { dynamodb } from './dynamodb.ts';
import { events } from './events.ts';
import { kms } from './kms.ts';
import { lambda } from './lambda.ts';
import { logs } from './logs.ts';
import { s3 } from './s3.ts';
import { secretsmanager } from './secretsmanager.ts';
import { sns } from './sns.ts';
import { sqs } from './sqs.ts';
import { states } from './states.ts';
import { tasks } from './states-tasks.ts';

/** All facts. */
export const recordings: readonly Recordings[] = [
  cloudformation,
  cloudwatch,
  dynamodb,
  events,
  iam,
  kms,
  lambda,
  logs,
  s3,
  secretsmanager,
  sns,
  sqs,
  states,
  sts,
  tasks,
  templates,
  updates,
];
