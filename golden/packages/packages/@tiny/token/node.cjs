exports.platform = "node";
exports.token = () => "made for another platform";
