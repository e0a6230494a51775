import { account } from '../../../../sandbox/core/account.ts';
import { answered, fact, type Recordings, refused } from '../fact.ts';

const logGroupName = '/aws/lambda/infinstor-onboarding-sandbox-create-subscriber';

const arn = 'arn:aws:logs:us-east-1:111111111111:log-group:';
const logGroup = (name: string) => ({
  arn: `${arn}${name}:*`,
  creationTime: '<time>',
  deletionProtectionEnabled: false,
  logGroupArn: `${arn}${name}`,
  logGroupClass: 'STANDARD',
  logGroupName: name,
  metricFilterCount: 0,
  storedBytes: 0,
});

export const logs: Recordings = {
  service: 'logs',
  file: 'logs/test_logs_filter_events.snapshot.json',
  tests: [
    {
      test: 'TestFilterLogEvents::test_filter_log_events_limit_validation',
      date: '2026-02-05',
      steps: [
        fact(
          'error-limit-exceeded',
          'FilterLogEvents',
          { logGroupName, limit: 10_001 },
          refused(
            'InvalidParameterException',
            "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
          ),
        ),
      ],
    },
    {
      test: 'TestFilterLogEvents::test_filter_log_events_unknown_token',
      date: '2026-02-05',
      steps: [
        fact(
          'invalid-token',
          'FilterLogEvents',
          { logGroupName, limit: 20, nextToken: 'invalid-token' },
          refused('InvalidParameterException', 'The specified nextToken is invalid.'),
        ),
      ],
    },
    {
      test: 'TestLogsGroups::test_describe_log_groups_with_prefix',
      file: 'logs/test_logs_groups.snapshot.json',
      date: '2026-02-03',
      prepare({ world }) {
        for (const name of ['prefixed-1', 'prefixed-2']) world(account).logs.createLogGroup({ name });
        return {};
      },
      steps: [
        fact(
          'describe-log-groups-prefix',
          'DescribeLogGroups',
          { logGroupNamePrefix: 'prefixed-' },
          answered({ logGroups: ['prefixed-1', 'prefixed-2'].map(logGroup) }),
        ),
      ],
    },
  ],
};
