import Measuring
import Testing

@Suite struct LineTests {
  @Test func theRatioIsOfRunsThatFollowedOneAnother() {
    // The machine was twice as slow in the second run, for both: the ratio does not move.
    let line = Line("a", unit: "ns", target: .ratio(1.5), ours: [12, 24, 12], floor: [10, 20, 10])
    #expect(line.ratio == Spread([1.2]))
    #expect(line.isMet == true)
  }

  @Test func targetsAreMetByTheMedian() {
    #expect(Line("a", unit: "µs", target: .atMost(80), ours: [70, 80, 500]).isMet == true)
    #expect(Line("a", unit: "µs", target: .atMost(79), ours: [70, 80, 500]).isMet == false)
    #expect(Line("a", unit: "1/s", target: .atLeast(81), ours: [70, 80, 500]).isMet == false)
    #expect(Line("a", unit: "1/s", ours: [1]).isMet == nil)
    #expect(Line("a", unit: "ns", target: .ratio(1), ours: [1]).isMet == nil)
  }

  @Test func numbersAreWrittenForPeople() {
    #expect(fixed(0, 0) == "0")
    #expect(fixed(999.6, 0) == "1,000")
    #expect(fixed(-1234567.891, 2) == "-1,234,567.89")
    #expect(fixed(0.05, 1) == "0.1")
    #expect(fixed(1.005, 3) == "1.005")
    #expect(significant(0.4271) == "0.427")
    #expect(significant(12.63) == "12.6")
    #expect(significant(2_104_331) == "2,104,331")
  }

  @Test func theTableHasALineEachAndSaysWhatIsMissed() {
    let lines = [
      Line("fast", unit: "ns", target: .ratio(1.5), ours: [12], floor: [10]).telling("p99", 13),
      Line("slow", unit: "ns", target: .ratio(1.5), ours: [16], floor: [10]),
    ]
    let rows = Table(lines).text.split(separator: "\n")
    #expect(rows.count == 3)
    #expect(rows[1].contains("1.20×") && rows[1].hasSuffix("met, p99 13.0"))
    #expect(rows[2].contains("1.60×") && rows[2].hasSuffix("MISSED"))
  }

  @Test func theDocumentHoldsWhatTheTableShows() {
    let text = Line.document([Line("a \"b\"", unit: "ns", target: .ratio(1.5), ours: [12], floor: [10])])
    #expect(
      text == """
        {"lines":[
        {"name":"a \\"b\\"","unit":"ns","ours":{"median":12.0,"min":12.0,"max":12.0},"floor":{"median":10.0,"min":10.0,"max":10.0},\
        "ratio":{"median":1.2,"min":1.2,"max":1.2},"target":{"ratio":1.5},"met":true}
        ]}

        """)
  }

  @Test func aRatioBeyondItsMarginIsAFault() throws {
    let margins = try Margins("# what is judged\ndecode 2.0 # generous\n\nbook 3\n")
    let good = Line("decode", unit: "ns", ours: [19], floor: [10])
    let bad = Line("book", unit: "ns", ours: [31], floor: [10])
    #expect(margins.faults(in: [good, bad], isEverything: true) == ["book takes 3.10 times its floor; 3.00 are allowed"])
    #expect(margins.faults(in: [good], isEverything: true) == ["book was not measured beside its floor"])
    #expect(margins.faults(in: [good], isEverything: false).isEmpty)
    #expect(throws: Margins.Unreadable.self) { try Margins("decode fast") }
    #expect(margins.exceeded(by: [good, bad]) == ["book"] && margins.exceeded(by: [good]).isEmpty)
  }

  @Test func theBetterOfTwoMeasurementsHasTheLowerRatio() {
    // It took longer, on a machine that was slower still.
    let (first, second) = (Line("a", unit: "ns", ours: [31], floor: [10]), Line("a", unit: "ns", ours: [50], floor: [25]))
    #expect(first.better(second).ours == second.ours && second.better(first).ours == second.ours)
  }
}
