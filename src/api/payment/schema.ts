import { z } from 'zod';
import { idText, instantText, integer, tenantText } from '../http/schema';

/** Only the sandbox pays so far; every other provider is not found. */
export const providerParams = z.strictObject({ provider: idText });

/** A provider's own words: fields that we do not know are let through. */
export const notificationBody = z.object({
  notificationId: idText,
  transactionId: idText,
  tenant: tenantText,
  orderId: idText,
  amountFen: integer(0),
  paidAt: instantText,
  outcome: z.literal('paid'),
});
