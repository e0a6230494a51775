import { fact, type Recordings, refused } from '../fact.ts';

const logGroupName = '/aws/lambda/infinstor-onboarding-sandbox-create-subscriber';

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
  ],
};
