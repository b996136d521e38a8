mod errors;
mod quant;
mod task;
