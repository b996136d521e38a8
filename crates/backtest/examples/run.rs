//! Runs a backtest configuration from a file and prints its summary without the series and fills.
//! `cargo run --release -p fafnir-backtest --example run -- CONFIG.json`
fn main() {
    let Some(path) = std::env::args().nth(1) else { return eprintln!("usage: run CONFIG.json") };
    let config = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return eprintln!("{path}: {error}"),
    };
    match fafnir_backtest::run(&config, |_| (), || true) {
        Ok(mut summary) => {
            summary.series.time_nanos.clear();
            summary.series.instruments.clear();
            summary.fills.clear();
            println!("{}", serde_json::to_string_pretty(&summary).unwrap_or_default());
        }
        Err(fault) => eprintln!("{fault}"),
    }
}
