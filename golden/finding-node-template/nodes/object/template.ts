const helpers = { run: async () => 1 };

export default helpers;
