import {
  type ActivityOptions,
  ActivityCancellationType,
  type LocalActivityOptions,
} from '@temporalio/workflow';

/**
 * A short SQL step inside the workflow task. Retried for ever, because the database comes back; after 3 s of it on
 * a timer of the server's, so that an outage does not hold the task.
 */
export const localStep: LocalActivityOptions = {
  startToCloseTimeout: '10 s',
  localRetryThreshold: '3 s',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '60 s' },
};

/**
 * A call to a partner: 10 s for its answer, the rest for our rows; repeated under one idempotency key for about four
 * minutes, then a person is shown. A cancelled one is not waited for: the partner refuses a booking that arrives
 * after its cancel.
 */
export const partnerCall: ActivityOptions = {
  startToCloseTimeout: '15 s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '60 s', maximumAttempts: 8 },
};
