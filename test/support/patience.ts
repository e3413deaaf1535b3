// Suites on real servers share two cores with other builds: five seconds, jest's default, is no sign of a fault.
jest.setTimeout(60_000);
